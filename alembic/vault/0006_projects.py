"""Projects with their keys, and the registers that are applied to their cohorts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("mark", postgresql.BYTEA(), nullable=False),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_consent")),
    )
    op.create_table(
        "objection",
        sa.Column("mark", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_objection")),
    )
    op.create_table(
        "opt_out",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("mark", postgresql.BYTEA(), nullable=False),
        sa.Column("opted_out", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "mark", name=op.f("pk_opt_out")),
    )
    op.create_table(
        "opt_out_snapshot",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", name=op.f("pk_opt_out_snapshot")),
    )
    op.create_table(
        "project",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.BYTEA(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_project")),
    )
    op.create_table(
        "project_history",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.BYTEA(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "version", name=op.f("pk_project_history")),
    )
    op.create_table(
        "project_key",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "version", name=op.f("pk_project_key")),
    )
    op.create_table(
        "recipient",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("domain", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_recipient")),
        sa.UniqueConstraint("domain", name=op.f("uq_recipient_domain")),
    )


def downgrade() -> None:
    for table in (
        "recipient", "project_key", "project_history", "project", "opt_out_snapshot", "opt_out",
        "objection", "consent",
    ):  # fmt: skip
        op.drop_table(table)
