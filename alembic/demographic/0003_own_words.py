"""Whom the vault must be told of; everybody who is here already is.

It only adds: the release before it tells the vault nothing, and its changes are told by no row.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "words_due",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_words_due")),
    )
    op.execute("INSERT INTO words_due SELECT person_id, (random() * 9e18)::bigint FROM person")


def downgrade() -> None:
    op.drop_table("words_due")
