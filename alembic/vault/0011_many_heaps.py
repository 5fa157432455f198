"""A decision about many is one entry, whose personal values lie in a row for each heap.

The key of `trail_personal` takes the heap in; what stood there before keeps its one row.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("pk_trail_personal"), "trail_personal", type_="primary")
    op.create_primary_key(op.f("pk_trail_personal"), "trail_personal", ["position", "bucket"])


def downgrade() -> None:
    # Refused by the database where an entry has several heaps: they could not be kept.
    op.drop_constraint(op.f("pk_trail_personal"), "trail_personal", type_="primary")
    op.create_primary_key(op.f("pk_trail_personal"), "trail_personal", ["position"])
