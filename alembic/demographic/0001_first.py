"""The first tables of the demographic database."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STORAGE = """
-- Documents are compressed already; a second attempt costs time and gains nothing.
ALTER TABLE person ALTER COLUMN document SET STORAGE EXTERNAL;
ALTER TABLE person_history ALTER COLUMN document SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("expires", sa.Date(), nullable=False),
        sa.Column("revoked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_key")),
    )
    op.create_table(
        "identifier",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(collation="C"), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "number", name=op.f("pk_identifier")),
    )
    op.create_index(
        op.f("ix_identifier_value_system"), "identifier", ["value", "system"], unique=False
    )
    op.create_index(
        "uq_identifier_nhs_number",
        "identifier",
        ["value"],
        unique=True,
        postgresql_where=sa.text("system = 'https://fhir.nhs.uk/Id/nhs-number' AND is_current"),
    )
    op.create_table(
        "person",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("birth_date", sa.Text(collation="C"), nullable=True),
        sa.Column("document", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person")),
    )
    op.create_index(op.f("ix_person_birth_date"), "person", ["birth_date"], unique=False)
    op.create_table(
        "person_history",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("document", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "version", name=op.f("pk_person_history")),
    )
    op.create_table(
        "person_name",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "number", name=op.f("pk_person_name")),
    )
    op.create_index(op.f("ix_person_name_word_kind"), "person_name", ["word", "kind"], unique=False)
    op.execute(STORAGE)


def downgrade() -> None:
    op.drop_index(op.f("ix_person_name_word_kind"), table_name="person_name")
    op.drop_table("person_name")
    op.drop_table("person_history")
    op.drop_index(op.f("ix_person_birth_date"), table_name="person")
    op.drop_table("person")
    op.drop_index(
        "uq_identifier_nhs_number",
        table_name="identifier",
        postgresql_where=sa.text("system = 'https://fhir.nhs.uk/Id/nhs-number' AND is_current"),
    )
    op.drop_index(op.f("ix_identifier_value_system"), table_name="identifier")
    op.drop_table("identifier")
    op.drop_table("api_key")
