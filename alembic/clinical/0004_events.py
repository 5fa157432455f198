"""Events: the order in which contributions became visible, what is told of them, and to whom.

The contributions themselves are the outbox.  Each is stamped, by column defaults, with the
transaction that wrote it and with the era of this database; the release before this one writes
stamped contributions without knowing.  An era is one life of the database in one cluster: a restore
begins another, since transaction numbers start again there.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


class Xid8(sa.types.UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


STAMPS = """
ALTER TABLE contribution
  ADD COLUMN era integer NOT NULL DEFAULT 1,
  ADD COLUMN xact xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE erasure
  ADD COLUMN era integer NOT NULL DEFAULT 1,
  ADD COLUMN xact xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX ix_contribution_events ON contribution (era, xact, time_committed, contribution_id);
CREATE INDEX ix_erasure_events ON erasure (era, xact, time_committed, erasure_id);

INSERT INTO event_era
SELECT 1, gen_random_uuid(), system_identifier,
  ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
FROM pg_control_system();

-- Whether this database still lives where its era began; if not, begins the next.  What was
-- committed in the ten minutes before is stamped anew: it may have come with small transaction
-- numbers after a restore, and is told again rather than missed.
CREATE FUNCTION begin_event_era() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  cluster bigint;
  line integer;
  latest record;
BEGIN
  SELECT system_identifier INTO cluster FROM pg_control_system();
  line := ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int;
  SELECT * INTO latest FROM public.event_era ORDER BY era DESC LIMIT 1;
  IF (latest.system_identifier, latest.timeline) = (cluster, line) THEN
    RETURN latest.era;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('event_era'));
  IF latest.era < (SELECT max(era) FROM public.event_era) THEN
    RETURN (SELECT max(era) FROM public.event_era);
  END IF;
  INSERT INTO public.event_era VALUES (latest.era + 1, gen_random_uuid(), cluster, line);
  EXECUTE format('ALTER TABLE public.contribution ALTER COLUMN era SET DEFAULT %s', latest.era + 1);
  EXECUTE format('ALTER TABLE public.erasure ALTER COLUMN era SET DEFAULT %s', latest.era + 1);
  UPDATE public.contribution SET era = latest.era + 1, xact = pg_current_xact_id()
    WHERE time_committed > now() - interval '10 minutes';
  UPDATE public.erasure SET era = latest.era + 1, xact = pg_current_xact_id()
    WHERE time_committed > now() - interval '10 minutes';
  RETURN latest.era + 1;
END $$;
REVOKE ALL ON FUNCTION begin_event_era() FROM PUBLIC;

-- An EHR leaves the pool: whatever was committed while nobody could see it becomes visible with the
-- transaction that shows it.  Otherwise readers who are past that point would never be told.
CREATE FUNCTION stamp_shown() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE public.contribution SET xact = pg_current_xact_id(), era = (SELECT max(era) FROM public.event_era)
    WHERE ehr_id = NEW.ehr_id;
  RETURN NULL;
END $$;
CREATE TRIGGER stamp_shown AFTER UPDATE OF pooled ON ehr FOR EACH ROW
  WHEN (OLD.pooled AND NOT NEW.pooled) EXECUTE FUNCTION stamp_shown();

-- What is deleted for good is told by ids alone.  A version that only ends, or moves to the history,
-- still stands there.
CREATE FUNCTION note_erasure() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF TG_TABLE_NAME = 'ehr' THEN
    -- One word for the whole: its parts went in the same transaction.
    DELETE FROM public.erasure WHERE ehr_id = OLD.ehr_id AND xact = pg_current_xact_id();
    INSERT INTO public.erasure (ehr_id, erasure_id, kind, time_committed)
      VALUES (OLD.ehr_id, gen_random_uuid(), 'EHR', now());
    RETURN NULL;
  END IF;
  INSERT INTO public.erasure (ehr_id, erasure_id, kind, object_id, time_committed)
  SELECT gone.ehr_id, gen_random_uuid(), TG_ARGV[0], gone.object_id, now()
  FROM (SELECT DISTINCT ehr_id, object_id FROM old_rows) gone
  JOIN public.ehr e ON e.ehr_id = gone.ehr_id AND NOT e.pooled
  WHERE NOT EXISTS (SELECT FROM public.composition h WHERE h.object_id = gone.object_id)
    AND NOT EXISTS (SELECT FROM public.composition_history h WHERE h.object_id = gone.object_id)
    AND NOT EXISTS (SELECT FROM public.folder h WHERE h.object_id = gone.object_id)
    AND NOT EXISTS (SELECT FROM public.folder_history h WHERE h.object_id = gone.object_id)
    AND NOT EXISTS (SELECT FROM public.erasure h WHERE h.ehr_id = gone.ehr_id AND h.object_id = gone.object_id
      AND h.xact = pg_current_xact_id());
  RETURN NULL;
END $$;
CREATE TRIGGER note_erasure AFTER DELETE ON ehr FOR EACH ROW
  WHEN (NOT OLD.pooled) EXECUTE FUNCTION note_erasure();
"""

NOTES = """
CREATE TRIGGER note_erasure AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION note_erasure('{kind}');
"""
NOTED = {
    "composition": "COMPOSITION",
    "composition_history": "COMPOSITION",
    "folder": "FOLDER",
    "folder_history": "FOLDER",
}


def upgrade() -> None:
    op.create_table(
        "event_era",
        sa.Column("era", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lineage", sa.Uuid(), nullable=False),
        sa.Column("system_identifier", sa.BigInteger(), nullable=False),
        sa.Column("timeline", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("era", name=op.f("pk_event_era")),
    )
    op.create_table(
        "erasure",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("time_committed", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "erasure_id", name=op.f("pk_erasure")),
    )
    op.execute(STAMPS)
    for table, kind in NOTED.items():
        op.execute(NOTES.format(table=table, kind=kind))
    op.create_table(
        "webhook",
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("ehr_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("rotated", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_era", sa.Integer(), nullable=False),
        sa.Column("passed_xact", Xid8(), nullable=False),
        sa.Column("passed_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("passed_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_try", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("webhook_id", "event_id", name=op.f("pk_webhook_delivery")),
    )
    op.create_index(
        op.f("ix_webhook_delivery_webhook_id_state_number"),
        "webhook_delivery",
        ["webhook_id", "state", "number"],
    )
    op.create_table(
        "folder_template",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folder", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_folder_template")),
    )
    op.create_index("ix_ehr_pooled", "ehr", ["ehr_id"], postgresql_where=sa.text("pooled"))


def downgrade() -> None:
    op.drop_index("ix_ehr_pooled", table_name="ehr")
    op.drop_table("folder_template")
    op.drop_table("webhook_delivery")
    op.drop_table("webhook")
    for table in ("ehr", *NOTED):
        op.execute(f"DROP TRIGGER note_erasure ON {table}")
    op.execute("DROP TRIGGER stamp_shown ON ehr")
    for function in ("note_erasure", "stamp_shown", "begin_event_era"):
        op.execute(f"DROP FUNCTION {function}()")
    op.drop_table("erasure")
    op.drop_table("event_era")
    op.execute("DROP INDEX ix_contribution_events")
    op.execute("ALTER TABLE contribution DROP COLUMN xact, DROP COLUMN era")
