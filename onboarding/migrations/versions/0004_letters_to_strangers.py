"""How many letters go to an address that nobody has proved."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unproved_letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unproved_letters")),
    )
    with op.batch_alter_table("unproved_letters", schema=None) as batch_op:
        batch_op.create_index(
            "ix_unproved_letters_address", ["address_hash", "created_at"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("unproved_letters", schema=None) as batch_op:
        batch_op.drop_index("ix_unproved_letters_address")
    op.drop_table("unproved_letters")
