"""Attestations and originals of imported versions that held own words are written anew.

It only adds: the release before it never asks for this.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BEGIN = """
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  changed integer;
BEGIN
"""
_END = """
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed > 0 THEN
    INSERT INTO public.commit_log
      (ehr_id, attempt_id, time_tried, key_id, door, kind, outcome, findings)
      VALUES (owner, gen_random_uuid(), now(), {name}.key_id, 'screen', '{kind}',
        'resealed', '{{}}');
  END IF;
  RETURN changed;
END $$;
"""
# As reseal.audit: what is said changes, never of which version it is said.
ATTESTATION = f"""
CREATE FUNCTION reseal.attestation(owner uuid, place uuid, said bytea, key_id text)
RETURNS integer {_BEGIN}
  UPDATE public.attestation a SET attestation = said
    WHERE a.ehr_id = owner AND a.attestation_id = place;
{_END.format(name="attestation", kind="attestation")}
"""
ORIGINAL = f"""
CREATE FUNCTION reseal.original(owner uuid, object uuid, number integer, said jsonb, key_id text)
RETURNS integer {_BEGIN}
  UPDATE public.version_detail d SET detail = jsonb_set(d.detail, '{{original}}', said, false)
    WHERE d.ehr_id = owner AND d.object_id = object AND d.version = number
    AND d.detail -> 'original' -> 'uid' = said -> 'uid';
{_END.format(name="original", kind="version_detail")}
"""


def upgrade() -> None:
    op.execute(ATTESTATION)
    op.execute(ORIGINAL)


def downgrade() -> None:
    op.execute("DROP FUNCTION reseal.original(uuid, uuid, integer, jsonb, text)")
    op.execute("DROP FUNCTION reseal.attestation(uuid, uuid, bytea, text)")
