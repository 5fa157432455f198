"""Persons who were merged into others, with their documents from before."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_merge",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=False),
        sa.Column("snapshot", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_merge")),
    )
    op.create_index(op.f("ix_person_merge_survivor_id"), "person_merge", ["survivor_id"])


def downgrade() -> None:
    op.drop_table("person_merge")
