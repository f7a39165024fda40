"""Whose turn a message is, why it failed, and in which history of the database a secret was sealed."""

import sqlalchemy as sa
from alembic import op

from onboarding.histories import this_history

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("claimed_by", sa.BigInteger(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_messages_claimed_for_a_turn"),
            "claimed_by IS NULL OR (leased_until IS NOT NULL AND failed_at IS NULL)",
        )
        # What will be tried again may say why it failed, too.
        batch_op.drop_constraint(op.f("ck_messages_incident_has_a_cause"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_messages_incident_has_a_cause"), "failed_at IS NULL OR cause IS NOT NULL"
        )
    with op.batch_alter_table("sealed_secrets", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("fence", sa.String(length=64), nullable=False, server_default="")
        )
    # Those that wait to be shown were sealed in this history.
    op.execute(sa.update(sa.table("sealed_secrets", sa.column("fence"))).values(fence=this_history()))


def downgrade() -> None:
    with op.batch_alter_table("sealed_secrets", schema=None) as batch_op:
        batch_op.drop_column("fence")
    op.execute("UPDATE messages SET cause = NULL WHERE failed_at IS NULL")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_messages_incident_has_a_cause"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_messages_incident_has_a_cause"), "(failed_at IS NULL) = (cause IS NULL)"
        )
        batch_op.drop_constraint(op.f("ck_messages_claimed_for_a_turn"), type_="check")
        batch_op.drop_column("claimed_by")
