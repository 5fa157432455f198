"""Care that is shared by persons who were merged.

It only adds: the release before it takes every row as one that was said.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    flag = sa.Column("is_shared", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("care", flag)


def downgrade() -> None:
    op.execute("DELETE FROM care WHERE is_shared")
    op.drop_column("care", "is_shared")
