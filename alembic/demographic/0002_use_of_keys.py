"""When and from where a key is used."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_key", sa.Column("last_used", sa.Date()))
    op.add_column("api_key", sa.Column("sources", postgresql.ARRAY(sa.Text())))


def downgrade() -> None:
    op.drop_column("api_key", "sources")
    op.drop_column("api_key", "last_used")
