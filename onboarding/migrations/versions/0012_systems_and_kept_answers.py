"""Calling systems have several keys; an onboarding belongs to the system, whichever key started it.

Each key that is there gets a system with the key's own ID, so no onboarding has to be rewritten.
Answers are kept for whoever sends a request again.
"""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_OWNED = sa.text("system_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "systems",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_systems")),
    )
    op.execute("INSERT INTO systems (id, name, created_at) SELECT id, name, created_at FROM api_keys")
    _change_keys()
    _change_owner("api_key_id", "system_id", "systems")
    op.create_index(
        "ix_onboardings_system_id",
        "onboardings",
        ["system_id"],
        postgresql_where=_OWNED,
        sqlite_where=_OWNED,
    )
    op.create_table(
        "kept_answers",
        sa.Column("request", sa.LargeBinary(length=32), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_kept_answers")),
    )
    op.create_index("ix_kept_answers_created_at", "kept_answers", ["created_at"])


def downgrade() -> None:
    """Fails where a system's onboardings belong to no key of its own ID."""
    op.drop_table("kept_answers")
    op.drop_index("ix_onboardings_system_id", table_name="onboardings")
    _change_owner("system_id", "api_key_id", "api_keys")
    op.create_index("ix_onboardings_api_key_id", "onboardings", ["api_key_id"])
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_index("ix_api_keys_system_id")
        batch_op.drop_constraint("fk_api_keys_system_id", type_="foreignkey")
        batch_op.drop_column("expires_at")
        batch_op.drop_column("ending")
        batch_op.drop_column("system_id")
    op.drop_table("systems")


def _change_keys() -> None:
    op.add_column("api_keys", sa.Column("system_id", sa.Uuid(), nullable=True))
    op.execute("UPDATE api_keys SET system_id = id")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.alter_column("system_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.add_column(sa.Column("ending", sa.String(length=6), nullable=True))
        batch_op.add_column(sa.Column("expires_at", UTCDateTime(), nullable=True))
        batch_op.create_foreign_key("fk_api_keys_system_id", "systems", ["system_id"], ["id"])
    op.create_index("ix_api_keys_system_id", "api_keys", ["system_id"])


def _change_owner(old: str, new: str, table: str) -> None:
    """The same IDs under another name; they now name rows of this table."""
    if old == "api_key_id":
        op.drop_index("ix_onboardings_api_key_id", table_name="onboardings")
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.drop_constraint(f"fk_onboardings_{old}", type_="foreignkey")
        batch_op.alter_column(old, new_column_name=new, existing_type=sa.Uuid())
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.create_foreign_key(f"fk_onboardings_{new}", table, [new], ["id"])
