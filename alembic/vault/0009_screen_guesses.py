"""How much was asked of a record by the screen today.  It only adds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "screen_guess",
        sa.Column("mark", postgresql.BYTEA(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_screen_guess")),
    )


def downgrade() -> None:
    op.drop_table("screen_guess")
