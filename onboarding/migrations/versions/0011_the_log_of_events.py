"""Give every transition a place in one log. Those of before come first in it, onboarding by onboarding."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("onboardings", "transitions"):
        op.add_column(
            table,
            sa.Column("position", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        )
    op.create_index(
        "ix_transitions_position", "transitions", ["position", "onboarding_id", "sequence"]
    )
    op.create_table(
        "event_log",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("shift", sa.BigInteger(), nullable=False),
        sa.Column("history", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_event_log_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_log")),
    )
    # What a process of the version before writes, while it is replaced, has its place too.
    _on_postgresql("SET DEFAULT pg_current_xact_id()::text::bigint")


def downgrade() -> None:
    op.drop_table("event_log")
    op.drop_index("ix_transitions_position", table_name="transitions")
    for table in ("transitions", "onboardings"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("position")


def _on_postgresql(change: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE transitions ALTER COLUMN position {change}")
