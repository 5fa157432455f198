"""The one table of the shred store."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shred_secret",
        sa.Column("handle", sa.Uuid(), nullable=False),
        sa.Column("secret", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_shred_secret")),
    )
    # What is destroyed leaves the pages soon, not after a fifth of the table has gone.
    op.execute(
        "ALTER TABLE shred_secret SET"
        " (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)"
    )


def downgrade() -> None:
    op.drop_table("shred_secret")
