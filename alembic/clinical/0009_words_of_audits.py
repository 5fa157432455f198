"""Audits whose description or committer held their subject's own words are written anew.

It only adds: the release before it never asks for this.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# As reseal.version: the application can only add to histories and contributions, and this changes
# what an audit says and whom it names, never whose system it was.
AUDIT = """
CREATE FUNCTION reseal.audit(kind text, owner uuid, place text, said jsonb, key_id text)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  changed integer;
BEGIN
  IF kind IN ('composition', 'composition_history', 'ehr_status', 'ehr_status_history',
              'folder', 'folder_history') THEN
    EXECUTE format('UPDATE public.%I SET audit = $3 WHERE ehr_id = $1 AND row_key = $2'
                   ' AND audit -> $4 = $3 -> $4', kind)
      USING owner, place::bigint, said, 'system_id';
  ELSIF kind = 'contribution' THEN
    UPDATE public.contribution c SET audit = said
      WHERE c.ehr_id = owner AND c.contribution_id = place::uuid
      AND c.audit -> 'system_id' = said -> 'system_id';
  ELSE
    RAISE EXCEPTION 'not a kind of audit';
  END IF;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed > 0 THEN
    INSERT INTO public.commit_log
      (ehr_id, attempt_id, time_tried, key_id, door, kind, outcome, findings)
      VALUES (owner, gen_random_uuid(), now(), audit.key_id, 'screen', audit.kind,
        'resealed', '{}');
  END IF;
  RETURN changed;
END $$;
"""


def upgrade() -> None:
    op.execute(AUDIT)


def downgrade() -> None:
    op.execute("DROP FUNCTION reseal.audit(text, uuid, text, jsonb, text)")
