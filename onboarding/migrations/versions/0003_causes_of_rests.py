"""A message that will be tried again may say why it failed, too."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAME = "ck_messages_incident_has_a_cause"


def upgrade() -> None:
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(NAME), type_="check")
        batch_op.create_check_constraint(op.f(NAME), "failed_at IS NULL OR cause IS NOT NULL")


def downgrade() -> None:
    op.execute("UPDATE messages SET cause = NULL WHERE failed_at IS NULL")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(NAME), type_="check")
        batch_op.create_check_constraint(op.f(NAME), "(failed_at IS NULL) = (cause IS NULL)")
