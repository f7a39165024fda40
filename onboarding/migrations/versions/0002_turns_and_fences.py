"""Whose turn a message is, why it failed, and in which history of the database a secret was sealed.

Also: letters to addresses that nobody has proved, which browser session follows which, and an index
that finds who is overdue.
"""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now
from onboarding.histories import this_history

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SUCCESSOR = "fk_browser_sessions_succeeded_by"


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
    with op.batch_alter_table("browser_sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("signed_in_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("succeeded_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("succeeded_by", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            op.f(_SUCCESSOR), "browser_sessions", ["succeeded_by"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_index(
            batch_op.f("ix_browser_sessions_succeeded_by"), ["succeeded_by"], unique=False
        )
    op.create_index("ix_onboardings_state_entered_at", "onboardings", ["state", "entered_at"])
    op.drop_index("ix_onboardings_created_at", table_name="onboardings")


def downgrade() -> None:
    op.create_index("ix_onboardings_created_at", "onboardings", ["created_at", "id"])
    op.drop_index("ix_onboardings_state_entered_at", table_name="onboardings")
    with op.batch_alter_table("browser_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_browser_sessions_succeeded_by"))
        batch_op.drop_constraint(op.f(_SUCCESSOR), type_="foreignkey")
        batch_op.drop_column("succeeded_by")
        batch_op.drop_column("succeeded_at")
        batch_op.drop_column("signed_in_at")
    with op.batch_alter_table("unproved_letters", schema=None) as batch_op:
        batch_op.drop_index("ix_unproved_letters_address")
    op.drop_table("unproved_letters")
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
