"""Words sealed out of versions, and versions that are screened later.

It only adds: the release before it seals nothing and reads what is sealed with its placeholders.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_VERSIONED = "removal.versioned(text, uuid, uuid, text, text)"
_BEFORE = "  DELETE FROM public.version_detail WHERE"
_MORE = """  DELETE FROM public.sealed_words f WHERE f.ehr_id = owner AND f.row_key = ANY (row_keys);
  DELETE FROM public.screen_later f WHERE f.ehr_id = owner AND f.row_key = ANY (row_keys);
"""

# Words that are found to be the subject's own after a version was committed are taken out of it,
# wherever it lies.  The application can only add to histories; this is its one way, and it can do no
# more than exchange the document of a version that is there.
RESEAL = """
CREATE SCHEMA reseal;
CREATE FUNCTION reseal.version(
  kind text, owner uuid, wanted bigint, document bytea, key_id text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  changed integer;
BEGIN
  IF kind NOT IN ('composition', 'composition_history', 'ehr_status', 'ehr_status_history',
                  'folder', 'folder_history') THEN
    RAISE EXCEPTION 'not a kind of version';
  END IF;
  EXECUTE format('UPDATE public.%I SET document = $3 WHERE ehr_id = $1 AND row_key = $2'
                 ' AND document IS NOT NULL', kind) USING owner, wanted, document;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed > 0 THEN
    INSERT INTO public.commit_log
      (ehr_id, attempt_id, time_tried, key_id, door, kind, outcome, findings)
      VALUES (owner, gen_random_uuid(), now(), version.key_id, 'screen', version.kind,
        'resealed', '{}');
  END IF;
  RETURN changed;
END $$;
"""


def upgrade() -> None:
    op.create_table(
        "sealed_words",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("row_key", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seal_id", sa.Text(), nullable=False),
        sa.Column("box", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "row_key", "number", name=op.f("pk_sealed_words")),
    )
    op.create_table(
        "screen_later",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("row_key", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "row_key", "number", name=op.f("pk_screen_later")),
    )
    _exchange(_BEFORE, _MORE + _BEFORE)
    op.execute(RESEAL)


def downgrade() -> None:
    op.execute("DROP SCHEMA reseal CASCADE")
    _exchange(_MORE + _BEFORE, _BEFORE)
    op.drop_table("screen_later")
    op.drop_table("sealed_words")


def _exchange(old: str, new: str) -> None:
    """One passage of the function that removes versions, in the text that the database keeps."""
    exchange = sa.text(
        "SELECT replace(pg_get_functiondef(CAST(:name AS regprocedure)), :old, :new)"
    ).bindparams(name=_VERSIONED, old=old, new=new)
    op.execute(sa.text(op.get_bind().scalar(exchange).replace(":", "\\:")))
