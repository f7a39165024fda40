"""Who is overdue, and how many stand where, is found by an index; no question asked for the other one."""

from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_onboardings_state_entered_at", "onboardings", ["state", "entered_at"])
    op.drop_index("ix_onboardings_created_at", table_name="onboardings")


def downgrade() -> None:
    op.create_index("ix_onboardings_created_at", "onboardings", ["created_at", "id"])
    op.drop_index("ix_onboardings_state_entered_at", table_name="onboardings")
