"""Which receiver was not told of which alert yet.  It only adds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_due",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("target", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "target", name=op.f("pk_alert_due")),
    )


def downgrade() -> None:
    op.drop_table("alert_due")
