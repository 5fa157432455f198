"""Merges that the vault must be told of, in their order; those that stand already are.

A chain (A in B, B in C) is told from its far end, as it was made.  It only adds: what the release
before it merges while both run is told when it is merged or taken back again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STANDING = """
WITH RECURSIVE chain (person_id, survivor_id, ahead) AS (
  SELECT person_id, survivor_id, 1 FROM person_merge m
  WHERE NOT EXISTS (SELECT FROM person_merge WHERE person_id = m.survivor_id)
  UNION ALL
  SELECT m.person_id, m.survivor_id, c.ahead + 1
  FROM person_merge m JOIN chain c ON m.survivor_id = c.person_id
)
INSERT INTO merge_due (place, person_id, survivor_id, is_undone)
SELECT row_number() OVER (ORDER BY ahead DESC, person_id), person_id, survivor_id, false FROM chain
"""


def upgrade() -> None:
    op.create_table(
        "merge_due",
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=False),
        sa.Column("is_undone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_merge_due")),
    )
    op.execute(_STANDING)


def downgrade() -> None:
    op.drop_table("merge_due")
