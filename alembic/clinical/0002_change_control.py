"""Folders, attestations, what few versions have, the commit log; what a status says of its EHR.

It only adds: the release before it runs on these tables.  Its EHRs are queryable, and its commits
leave no line in the log.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "ehr", sa.Column("queryable", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    op.add_column("ehr", sa.Column("opaque_subject", sa.Text(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_ehr_subject_namespace_opaque_subject"),
        "ehr",
        ["subject_namespace", "opaque_subject"],
    )
    op.create_table(
        "commit_log",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("time_tried", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("findings", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "attempt_id", name=op.f("pk_commit_log")),
    )
    op.create_table(
        "version_detail",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("contribution_id", sa.Uuid(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "object_id", "version", name=op.f("pk_version_detail")),
    )
    op.create_table(
        "attestation",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("attestation_id", sa.Uuid(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("contribution_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("time_committed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attestation", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "attestation_id", name=op.f("pk_attestation")),
    )
    for other in ("object_id", "contribution_id"):
        op.create_index(op.f(f"ix_attestation_ehr_id_{other}"), "attestation", ["ehr_id", other])
    op.create_table(
        "folder",
        *_version_columns(),
        sa.PrimaryKeyConstraint("ehr_id", "object_id", name=op.f("pk_folder")),
    )
    op.create_index(op.f("ix_folder_ehr_id"), "folder", ["ehr_id"], unique=True)
    op.create_index(op.f("ix_folder_object_id"), "folder", ["object_id"], unique=True)
    op.create_table(
        "folder_history",
        *_version_columns(),
        sa.PrimaryKeyConstraint("ehr_id", "object_id", "version", name=op.f("pk_folder_history")),
    )
    op.create_index(op.f("ix_folder_history_object_id"), "folder_history", ["object_id"])
    for table in ("folder", "folder_history"):
        op.create_index(
            op.f(f"ix_{table}_ehr_id_contribution_id"), table, ["ehr_id", "contribution_id"]
        )
        op.execute(f"ALTER TABLE {table} ALTER COLUMN document SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE attestation ALTER COLUMN attestation SET STORAGE EXTERNAL")


def _version_columns() -> list[sa.Column]:
    return [
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("row_key", sa.BigInteger(), nullable=False),
        sa.Column("contribution_id", sa.Uuid(), nullable=False),
        sa.Column("change_type", sa.SmallInteger(), nullable=False),
        sa.Column("lifecycle_state", sa.SmallInteger(), nullable=False),
        sa.Column("time_committed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("audit", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("document", postgresql.BYTEA(), nullable=True),
    ]


def downgrade() -> None:
    for table in ("folder_history", "folder", "attestation", "version_detail", "commit_log"):
        op.drop_table(table)
    op.drop_constraint(op.f("uq_ehr_subject_namespace_opaque_subject"), "ehr")
    op.drop_column("ehr", "opaque_subject")
    op.drop_column("ehr", "queryable")
