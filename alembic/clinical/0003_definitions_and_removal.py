"""Revisions of templates, templates in ADL 2, stored queries, item tags; deletion for good.

It only adds: the release before it runs on these tables.  It sees of each template the revision
that is in force, as it did before.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

REMOVAL = """
CREATE SCHEMA removal;

-- The application can only add to histories; these functions, which run as the migrator, are its
-- one way to delete for good what the law or an administrator wants gone.  Each is one transaction.
-- All writers of versions add to `contribution` and those of tags to `item_tag`, so a lock on both
-- lets those under way finish first, and the next see that the EHR is gone.

-- EHRs with everything that names them, in whatever table it stands.  Lines of the commit log go too;
-- one is left, that says who deleted.  What tells others of the deletion stays (the events).
CREATE FUNCTION removal.ehrs(wanted uuid[], key_id text, door text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  found uuid[];
  place record;
BEGIN
  LOCK TABLE public.contribution, public.item_tag IN SHARE ROW EXCLUSIVE MODE;
  SELECT array_agg(ehr_id) INTO found
    FROM (SELECT ehr_id FROM public.ehr WHERE ehr_id = ANY (wanted) FOR UPDATE) locked;
  IF found IS NULL THEN
    RETURN 0;
  END IF;
  FOR place IN
    SELECT n.nspname, c.relname FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'ehr_id' AND NOT a.attisdropped
    WHERE n.nspname IN ('public', 'leaf') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY n.nspname = 'public' AND c.relname = 'ehr', n.nspname, c.relname
  LOOP
    CONTINUE WHEN place.nspname = 'public'
      AND place.relname IN ('erasure', 'webhook', 'webhook_delivery');
    EXECUTE format('DELETE FROM %I.%I WHERE ehr_id = ANY ($1)', place.nspname, place.relname)
      USING found;
  END LOOP;
  INSERT INTO public.commit_log
    (ehr_id, attempt_id, time_tried, key_id, door, kind, outcome, findings)
    SELECT id, gen_random_uuid(), now(), ehrs.key_id, ehrs.door, 'ehr', 'removed', '{}'
    FROM unnest(found) AS id;
  RETURN cardinality(found);
END $$;

-- One composition or directory: all its versions, rows, findings, tags, attestations, and the
-- contributions that had brought nothing else.
CREATE FUNCTION removal.versioned(
  kind text, owner uuid, wanted uuid, key_id text, door text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  row_keys bigint[];
  contributions uuid[];
  leaves text[];
  leaf text;
BEGIN
  IF kind NOT IN ('composition', 'folder') THEN
    RAISE EXCEPTION 'not a kind that can be removed alone';
  END IF;
  LOCK TABLE public.contribution, public.item_tag IN SHARE ROW EXCLUSIVE MODE;
  EXECUTE format(
    'SELECT array_agg(row_key), array_agg(contribution_id) FROM ('
    ' SELECT row_key, contribution_id FROM public.%1$I WHERE ehr_id = $1 AND object_id = $2'
    ' UNION ALL'
    ' SELECT row_key, contribution_id FROM public.%2$I WHERE ehr_id = $1 AND object_id = $2) v',
    kind, kind || '_history') INTO row_keys, contributions USING owner, wanted;
  IF row_keys IS NULL THEN
    RETURN 0;
  END IF;
  IF kind = 'composition' THEN
    SELECT array_agg(DISTINCT g) INTO leaves FROM (
      SELECT unnest(groups) AS g FROM public.composition
        WHERE ehr_id = owner AND object_id = wanted
      UNION SELECT unnest(groups) FROM public.composition_history
        WHERE ehr_id = owner AND object_id = wanted) groups;
    FOREACH leaf IN ARRAY coalesce(leaves, '{}') LOOP
      EXECUTE format('DELETE FROM leaf.%I WHERE ehr_id = $1 AND row_key = ANY ($2)', leaf)
        USING owner, row_keys;
    END LOOP;
  END IF;
  SELECT contributions || coalesce(array_agg(contribution_id), '{}') INTO contributions
    FROM public.attestation WHERE ehr_id = owner AND object_id = wanted;
  DELETE FROM public.screen_finding f WHERE f.ehr_id = owner AND f.row_key = ANY (row_keys);
  DELETE FROM public.version_detail WHERE ehr_id = owner AND object_id = wanted;
  DELETE FROM public.attestation WHERE ehr_id = owner AND object_id = wanted;
  DELETE FROM public.item_tag WHERE ehr_id = owner AND object_id = wanted;
  EXECUTE format('DELETE FROM public.%I WHERE ehr_id = $1 AND object_id = $2', kind)
    USING owner, wanted;
  EXECUTE format('DELETE FROM public.%I WHERE ehr_id = $1 AND object_id = $2', kind || '_history')
    USING owner, wanted;
  DELETE FROM public.contribution c
    WHERE c.ehr_id = owner AND c.contribution_id = ANY (contributions)
      AND NOT EXISTS (SELECT FROM public.composition v
        WHERE v.ehr_id = owner AND v.contribution_id = c.contribution_id)
      AND NOT EXISTS (SELECT FROM public.composition_history v
        WHERE v.ehr_id = owner AND v.contribution_id = c.contribution_id)
      AND NOT EXISTS (SELECT FROM public.ehr_status v
        WHERE v.ehr_id = owner AND v.contribution_id = c.contribution_id)
      AND NOT EXISTS (SELECT FROM public.ehr_status_history v
        WHERE v.ehr_id = owner AND v.contribution_id = c.contribution_id)
      AND NOT EXISTS (SELECT FROM public.folder v
        WHERE v.ehr_id = owner AND v.contribution_id = c.contribution_id)
      AND NOT EXISTS (SELECT FROM public.folder_history v
        WHERE v.ehr_id = owner AND v.contribution_id = c.contribution_id)
      AND NOT EXISTS (SELECT FROM public.attestation v
        WHERE v.ehr_id = owner AND v.contribution_id = c.contribution_id);
  INSERT INTO public.commit_log
    (ehr_id, attempt_id, time_tried, key_id, door, kind, outcome, findings)
    VALUES (owner, gen_random_uuid(), now(), versioned.key_id, versioned.door, versioned.kind,
      'removed', '{}');
  RETURN cardinality(row_keys);
END $$;

-- A template with all its revisions, if no version of any composition, deleted ones included, was
-- written with one of them: how many revisions went; -1 where it is used, 0 where there is none.
CREATE FUNCTION removal.template(wanted text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  keys integer[];
BEGIN
  LOCK TABLE public.contribution IN SHARE ROW EXCLUSIVE MODE;
  SELECT array_agg(template_key) INTO keys FROM (
    SELECT template_key FROM public.template WHERE template_id = wanted
    UNION ALL SELECT template_key FROM public.template_superseded WHERE template_id = wanted) t;
  IF keys IS NULL THEN
    RETURN 0;
  END IF;
  IF EXISTS (SELECT FROM public.composition WHERE template_key = ANY (keys))
    OR EXISTS (SELECT FROM public.composition_history WHERE template_key = ANY (keys)) THEN
    RETURN -1;
  END IF;
  DELETE FROM public.template WHERE template_id = wanted;
  DELETE FROM public.template_superseded WHERE template_id = wanted;
  UPDATE public.registry SET version = gen_random_uuid();
  RETURN cardinality(keys);
END $$;

CREATE FUNCTION removal.stored_query(wanted text, a integer, b integer, c integer) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  WITH gone AS (DELETE FROM public.stored_query
    WHERE name = wanted AND major = a AND minor = b AND patch = c RETURNING 1)
  SELECT count(*)::integer FROM gone
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA removal FROM PUBLIC;
"""


def upgrade() -> None:
    op.add_column(
        "template", sa.Column("revision", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column(
        "template", sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    op.create_table(
        "template_superseded",
        sa.Column("template_key", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("time_created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operational_template", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("template_key", name=op.f("pk_template_superseded")),
        sa.UniqueConstraint(
            "template_id", "revision", name=op.f("uq_template_superseded_template_id_revision")
        ),
    )
    op.create_table(
        "template_adl2",
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("concept", sa.Text(), nullable=False),
        sa.Column("archetype_id", sa.Text(), nullable=False),
        sa.Column("time_created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operational_template", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_template_adl2")),
    )
    op.create_table(
        "stored_query",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("major", sa.Integer(), nullable=False),
        sa.Column("minor", sa.Integer(), nullable=False),
        sa.Column("patch", sa.Integer(), nullable=False),
        sa.Column("time_saved", sa.DateTime(timezone=True), nullable=False),
        sa.Column("q", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "major", "minor", "patch", name=op.f("pk_stored_query")),
    )
    op.create_table(
        "item_tag",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("target_path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "tag_id", name=op.f("pk_item_tag")),
        sa.UniqueConstraint(
            "ehr_id",
            "object_id",
            "version",
            "key",
            "target_path",
            name=op.f("uq_item_tag_ehr_id_object_id_version_key_target_path"),
        ),
    )
    op.create_index(
        op.f("ix_composition_history_template_key"), "composition_history", ["template_key"]
    )
    op.execute("ALTER TABLE template_superseded ALTER operational_template SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE template_adl2 ALTER operational_template SET STORAGE EXTERNAL")
    op.execute(REMOVAL)


def downgrade() -> None:
    op.execute("DROP SCHEMA removal CASCADE")
    op.drop_index(op.f("ix_composition_history_template_key"), "composition_history")
    for table in ("item_tag", "stored_query", "template_adl2", "template_superseded"):
        op.drop_table(table)
    op.drop_column("template", "active")
    op.drop_column("template", "revision")
