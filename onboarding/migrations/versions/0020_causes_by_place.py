"""What is said about a cause may hold in one place only; and what is noted about one is found as fast."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_PLACE = ("state", "event")


def upgrade() -> None:
    with op.batch_alter_table("cause_marks") as batch_op:
        for name in _PLACE:
            empty = sa.Column(name, sa.String(length=32), server_default="", nullable=False)
            batch_op.add_column(empty)
        batch_op.drop_constraint(op.f("pk_cause_marks"), type_="primary")
        batch_op.create_primary_key(op.f("pk_cause_marks"), ["task", "code", *_PLACE])
    op.drop_index("ix_audit_marks", table_name="audit")
    _index("ix_audit_causes", "action LIKE 'cause.%'")


def downgrade() -> None:
    op.drop_index("ix_audit_causes", table_name="audit")
    _index("ix_audit_marks", "action = 'cause.mark'")
    # What was said about one place would count everywhere.
    op.execute("DELETE FROM cause_marks WHERE state <> '' OR event <> ''")
    with op.batch_alter_table("cause_marks") as batch_op:
        batch_op.drop_constraint(op.f("pk_cause_marks"), type_="primary")
        for name in _PLACE:
            batch_op.drop_column(name)
        batch_op.create_primary_key(op.f("pk_cause_marks"), ["task", "code"])


def _index(name: str, where: str) -> None:
    only = sa.text(where)
    op.create_index(name, "audit", ["number"], postgresql_where=only, sqlite_where=only)
