"""What a seller has answered about people is seen in full like what was masked before."""

from typing import Final

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_BEFORE: Final = "field IN ('connection_name', 'contact_email', 'seller_id', 'shop_name')"
_AFTER: Final = (
    "field IN ('connection_name', 'contact_email', 'developer_email', 'organisation',"
    " 'seller_id', 'shop_name')"
)


def upgrade() -> None:
    _allow(_AFTER)


def downgrade() -> None:
    """The version before shows neither of the two: whoever sees one in full does so no more."""
    op.execute("DELETE FROM unmaskings WHERE field IN ('developer_email', 'organisation')")
    _allow(_BEFORE)


def _allow(rule: str) -> None:
    with op.batch_alter_table("unmaskings", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_unmaskings_field"), type_="check")
        batch_op.create_check_constraint(op.f("ck_unmaskings_field"), rule)
