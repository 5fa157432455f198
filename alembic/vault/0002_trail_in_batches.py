"""The trail in batches: commitments, personal values outside the tree, stored subtrees.

It only adds: the release before it writes its rows without them, and they are read as such.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trail_leaf", sa.Column("commitment", postgresql.BYTEA(), nullable=True))
    op.create_table(
        "trail_personal",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("subject", postgresql.BYTEA(), nullable=False),
        sa.Column("disclosed", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_trail_personal")),
    )
    op.create_index(
        op.f("ix_trail_personal_bucket"), "trail_personal", ["bucket", "position"], unique=False
    )
    op.create_table(
        "trail_node",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("level", "place", name=op.f("pk_trail_node")),
    )


def downgrade() -> None:
    op.drop_table("trail_node")
    op.drop_table("trail_personal")
    op.drop_column("trail_leaf", "commitment")
