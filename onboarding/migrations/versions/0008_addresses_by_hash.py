"""Find an onboarding by a hash of its e-mail address; the clock fills it for those that are there."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("onboardings", sa.Column("contact_hash", sa.String(length=32), nullable=True))
    op.drop_index("ix_onboardings_contact_email", table_name="onboardings")
    _index("ix_onboardings_contact_hash", "contact_hash", "contact_hash IS NOT NULL")
    _index(
        "ix_onboardings_without_hash",
        "contact_email",
        "contact_hash IS NULL AND contact_email IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_index("ix_onboardings_without_hash", table_name="onboardings")
    op.drop_index("ix_onboardings_contact_hash", table_name="onboardings")
    _index("ix_onboardings_contact_email", "contact_email", "contact_email IS NOT NULL")
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.drop_column("contact_hash")


def _index(name: str, column: str, of_those: str) -> None:
    where = sa.text(of_those)
    op.create_index(name, "onboardings", [column], postgresql_where=where, sqlite_where=where)
