"""Let a client secret expire at a greatest age, and note which notice of that was sent last."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("secrets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("expires_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("expiry_told", sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_secrets_told_of_an_expiry"), "expiry_told IS NULL OR expires_at IS NOT NULL"
        )
    op.create_index(
        "ix_secrets_expires_at",
        "secrets",
        ["expires_at"],
        postgresql_where=sa.text("ended_at IS NULL AND expires_at IS NOT NULL"),
        sqlite_where=sa.text("ended_at IS NULL AND expires_at IS NOT NULL"),
    )


def downgrade() -> None:
    """The version before knows of no age: what has expired stays ended."""
    op.drop_index("ix_secrets_expires_at", table_name="secrets")
    with op.batch_alter_table("secrets", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_secrets_told_of_an_expiry"), type_="check")
        batch_op.drop_column("expiry_told")
        batch_op.drop_column("expires_at")
