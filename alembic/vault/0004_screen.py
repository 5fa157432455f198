"""The own-identifier screen: tokens of persons, and records that wait to be screened again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "own_words",
        sa.Column("words_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_index", postgresql.BYTEA(), nullable=False),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("words_id", name=op.f("pk_own_words")),
        sa.UniqueConstraint("person_index", name=op.f("uq_own_words_person_index")),
    )
    op.create_table(
        "rescreen",
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("screened_index", postgresql.BYTEA(), nullable=False),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("slot_id", name=op.f("pk_rescreen")),
        sa.UniqueConstraint("screened_index", name=op.f("uq_rescreen_screened_index")),
    )
    op.create_table(
        "screened",
        sa.Column("screened_index", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("screened_index", name=op.f("pk_screened")),
    )


def downgrade() -> None:
    op.drop_table("screened")
    op.drop_table("rescreen")
    op.drop_table("own_words")
