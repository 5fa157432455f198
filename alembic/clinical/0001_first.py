"""The first tables of the clinical database, and the schema of the leaf tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LEAF = """
CREATE SCHEMA leaf;

-- Makes or widens leaf tables when a template is uploaded.  The application owns no table: this
-- function, which runs as the migrator, is its one way to make one, and it accepts generated names
-- and five types only.  `wanted`: [{"table": "g_…", "columns": [{"name": "c_…", "kind": "real"}]}]
CREATE FUNCTION leaf.extend(wanted jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  entry jsonb;
  field jsonb;
  type_name text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('leaf.extend'));
  FOR entry IN SELECT * FROM jsonb_array_elements(wanted) LOOP
    IF entry->>'table' !~ '^g_[0-9a-f]{16}$' THEN
      RAISE EXCEPTION 'not a generated table name';
    END IF;
    IF to_regclass(format('leaf.%I', entry->>'table')) IS NULL THEN
      EXECUTE format(
        'CREATE TABLE leaf.%I (ehr_id uuid NOT NULL, row_key bigint NOT NULL, num int4 NOT NULL,'
        ' cap int4 NOT NULL, par int4 NOT NULL, template_key int4 NOT NULL, node int4 NOT NULL,'
        ' PRIMARY KEY (ehr_id, row_key, num))', entry->>'table');
      EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON leaf.%I TO clinical_app',
        entry->>'table');
    END IF;
    FOR field IN SELECT * FROM jsonb_array_elements(entry->'columns') LOOP
      IF field->>'name' !~ '^c_[0-9a-f]{16}$' THEN
        RAISE EXCEPTION 'not a generated column name';
      END IF;
      type_name := CASE field->>'kind' WHEN 'real' THEN 'float8' WHEN 'integer' THEN 'int8'
        WHEN 'text' THEN 'text COLLATE "C"' WHEN 'boolean' THEN 'bool'
        WHEN 'instant' THEN 'float8' END;
      IF type_name IS NULL THEN
        RAISE EXCEPTION 'not a kind of column';
      END IF;
      EXECUTE format('ALTER TABLE leaf.%I ADD COLUMN IF NOT EXISTS %I %s',
        entry->>'table', field->>'name', type_name);
    END LOOP;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION leaf.extend(jsonb) FROM PUBLIC;

-- Documents are compressed already; a second attempt costs time and gains nothing.
ALTER TABLE composition ALTER COLUMN document SET STORAGE EXTERNAL;
ALTER TABLE composition_history ALTER COLUMN document SET STORAGE EXTERNAL;
ALTER TABLE template ALTER COLUMN operational_template SET STORAGE EXTERNAL;

INSERT INTO registry VALUES (gen_random_uuid());
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
        "composition",
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
        sa.Column("template_key", sa.Integer(), nullable=False),
        sa.Column("rows_version", sa.SmallInteger(), nullable=False),
        sa.Column("residue", sa.Integer(), nullable=False),
        sa.Column("groups", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "object_id", name=op.f("pk_composition")),
    )
    op.create_index(
        op.f("ix_composition_ehr_id_contribution_id"),
        "composition",
        ["ehr_id", "contribution_id"],
        unique=False,
    )
    op.create_index(op.f("ix_composition_object_id"), "composition", ["object_id"], unique=True)
    op.create_index(
        op.f("ix_composition_template_key_ehr_id"),
        "composition",
        ["template_key", "ehr_id"],
        unique=False,
    )
    op.create_index(
        "ix_composition_untold",
        "composition",
        ["ehr_id"],
        unique=False,
        postgresql_where=sa.text("rows_version <> 1 OR residue <> 0"),
    )
    op.create_table(
        "composition_history",
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
        sa.Column("template_key", sa.Integer(), nullable=False),
        sa.Column("rows_version", sa.SmallInteger(), nullable=False),
        sa.Column("residue", sa.Integer(), nullable=False),
        sa.Column("groups", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint(
            "ehr_id", "object_id", "version", name=op.f("pk_composition_history")
        ),
    )
    op.create_index(
        op.f("ix_composition_history_ehr_id_contribution_id"),
        "composition_history",
        ["ehr_id", "contribution_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_composition_history_object_id"), "composition_history", ["object_id"], unique=False
    )
    op.create_table(
        "contribution",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("contribution_id", sa.Uuid(), nullable=False),
        sa.Column("time_committed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change_type", sa.SmallInteger(), nullable=False),
        sa.Column("audit", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "contribution_id", name=op.f("pk_contribution")),
    )
    op.create_table(
        "ehr",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("system_id", sa.Text(), nullable=False),
        sa.Column("time_created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pooled", sa.Boolean(), nullable=False),
        sa.Column("modifiable", sa.Boolean(), nullable=False),
        sa.Column("subject_namespace", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("ehr_id", name=op.f("pk_ehr")),
        sa.UniqueConstraint(
            "subject_namespace", "subject_id", name=op.f("uq_ehr_subject_namespace_subject_id")
        ),
    )
    op.create_table(
        "ehr_status",
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
        sa.PrimaryKeyConstraint("ehr_id", "object_id", name=op.f("pk_ehr_status")),
    )
    op.create_index(
        op.f("ix_ehr_status_ehr_id_contribution_id"),
        "ehr_status",
        ["ehr_id", "contribution_id"],
        unique=False,
    )
    op.create_index(op.f("ix_ehr_status_object_id"), "ehr_status", ["object_id"], unique=True)
    op.create_table(
        "ehr_status_history",
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
        sa.PrimaryKeyConstraint(
            "ehr_id", "object_id", "version", name=op.f("pk_ehr_status_history")
        ),
    )
    op.create_index(
        op.f("ix_ehr_status_history_ehr_id_contribution_id"),
        "ehr_status_history",
        ["ehr_id", "contribution_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ehr_status_history_object_id"), "ehr_status_history", ["object_id"], unique=False
    )
    op.create_table(
        "registry",
        sa.Column("version", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_registry")),
    )
    op.create_table(
        "screen_finding",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("row_key", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "row_key", "number", name=op.f("pk_screen_finding")),
    )
    op.create_table(
        "template",
        sa.Column("template_key", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("concept", sa.Text(), nullable=False),
        sa.Column("archetype_id", sa.Text(), nullable=False),
        sa.Column("time_created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operational_template", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("template_key", name=op.f("pk_template")),
        sa.UniqueConstraint("template_id", name=op.f("uq_template_template_id")),
    )
    op.execute(LEAF)


def downgrade() -> None:
    op.execute("DROP SCHEMA leaf CASCADE")
    op.drop_table("template")
    op.drop_table("screen_finding")
    op.drop_table("registry")
    op.drop_index(op.f("ix_ehr_status_history_object_id"), table_name="ehr_status_history")
    op.drop_index(
        op.f("ix_ehr_status_history_ehr_id_contribution_id"), table_name="ehr_status_history"
    )
    op.drop_table("ehr_status_history")
    op.drop_index(op.f("ix_ehr_status_object_id"), table_name="ehr_status")
    op.drop_index(op.f("ix_ehr_status_ehr_id_contribution_id"), table_name="ehr_status")
    op.drop_table("ehr_status")
    op.drop_table("ehr")
    op.drop_table("contribution")
    op.drop_index(op.f("ix_composition_history_object_id"), table_name="composition_history")
    op.drop_index(
        op.f("ix_composition_history_ehr_id_contribution_id"), table_name="composition_history"
    )
    op.drop_table("composition_history")
    op.drop_index("ix_composition_untold", table_name="composition")
    op.drop_index(op.f("ix_composition_template_key_ehr_id"), table_name="composition")
    op.drop_index(op.f("ix_composition_object_id"), table_name="composition")
    op.drop_index(op.f("ix_composition_ehr_id_contribution_id"), table_name="composition")
    op.drop_table("composition")
    op.drop_table("api_key")
