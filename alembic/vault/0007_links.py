"""Links with their keys apart, merges, tasks, tombstones, and what rotations need.

It only adds and loosens: the release before it reads and writes its rows as it did.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("is_further", "is_closed", "is_restricted"):
        flag = sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)
        op.add_column("link", flag)
    op.drop_constraint("uq_link_person_index", "link", type_="unique")
    op.create_index(op.f("ix_link_person_index"), "link", ["person_index"])
    op.create_index(op.f("ix_link_index_version"), "link", ["index_version"])
    op.create_table(
        "link_key",
        sa.Column("link_id", sa.Uuid(), nullable=False),
        *_wrapped(),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link_key")),
    )
    op.create_index(op.f("ix_link_key_kek_version"), "link_key", ["kek_version"])
    op.add_column("pool_slot", sa.Column("index_version", sa.Integer(), nullable=True))
    op.add_column("pool_slot", sa.Column("kek_version", sa.Integer(), nullable=True))
    op.add_column("pool_slot", sa.Column("wrapped", postgresql.BYTEA(), nullable=True))
    op.create_table(
        "person_merge",
        sa.Column("merge_id", sa.Uuid(), nullable=False),
        sa.Column("index_version", sa.Integer(), nullable=False),
        sa.Column("merged_index", postgresql.BYTEA(), nullable=False),
        sa.Column("survivor_index", postgresql.BYTEA(), nullable=False),
        *_wrapped(),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("merge_id", name=op.f("pk_person_merge")),
        sa.UniqueConstraint("merged_index", name=op.f("uq_person_merge_merged_index")),
    )
    op.create_index(op.f("ix_person_merge_survivor_index"), "person_merge", ["survivor_index"])
    op.create_table(
        "link_task",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        *_wrapped(),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_link_task")),
    )
    op.create_table(
        "tombstone",
        sa.Column("tombstone_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("statement", postgresql.BYTEA(), nullable=False),
        sa.Column("signature", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("tombstone_id", name=op.f("pk_tombstone")),
    )
    op.create_table(
        "key_use",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "version", name=op.f("pk_key_use")),
    )
    op.create_table(
        "key_fence",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_key_fence")),
    )


def downgrade() -> None:
    for table in ("key_fence", "key_use", "tombstone", "link_task", "person_merge", "link_key"):
        op.drop_table(table)
    for name in ("wrapped", "kek_version", "index_version"):
        op.drop_column("pool_slot", name)
    op.drop_index(op.f("ix_link_index_version"), table_name="link")
    op.drop_index(op.f("ix_link_person_index"), table_name="link")
    op.create_unique_constraint("uq_link_person_index", "link", ["person_index"])
    for name in ("is_restricted", "is_closed", "is_further"):
        op.drop_column("link", name)


def _wrapped() -> tuple[sa.Column[int], sa.Column[bytes]]:
    return (
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", postgresql.BYTEA(), nullable=False),
    )
