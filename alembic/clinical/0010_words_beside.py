"""Words sealed out of what is said beside a document: of audits in a table, of tags in their row.

It only adds: the release before it reads audits and tags with their placeholders.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_VERSIONED = "removal.versioned(text, uuid, uuid, text, text)"
_BEFORE = "  DELETE FROM public.version_detail WHERE"
_OF_VERSIONS = """  DELETE FROM public.audit_words f
    WHERE f.ehr_id = owner AND f.place LIKE wanted::text || '::%';
"""
_THEN = "  INSERT INTO public.commit_log\n"
_OF_CONTRIBUTIONS = """  DELETE FROM public.audit_words f
    WHERE f.ehr_id = owner AND f.place = ANY (contributions::text[])
      AND NOT EXISTS (SELECT FROM public.contribution c
        WHERE c.ehr_id = owner AND c.contribution_id::text = f.place);
"""


def upgrade() -> None:
    op.create_table(
        "audit_words",
        sa.Column("ehr_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seal_id", sa.Text(), nullable=False),
        sa.Column("box", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ehr_id", "place", "number", name=op.f("pk_audit_words")),
    )
    op.add_column("item_tag", sa.Column("sealed", JSONB(), nullable=True))
    _exchange(_BEFORE, _OF_VERSIONS + _BEFORE)
    _exchange(_THEN, _OF_CONTRIBUTIONS + _THEN)


def downgrade() -> None:
    _exchange(_OF_CONTRIBUTIONS + _THEN, _THEN)
    _exchange(_OF_VERSIONS + _BEFORE, _BEFORE)
    op.drop_column("item_tag", "sealed")
    op.drop_table("audit_words")


def _exchange(old: str, new: str) -> None:
    """One passage of the function that removes versions, in the text that the database keeps."""
    exchange = sa.text(
        "SELECT replace(pg_get_functiondef(CAST(:name AS regprocedure)), :old, :new)"
    ).bindparams(name=_VERSIONED, old=old, new=new)
    op.execute(sa.text(op.get_bind().scalar(exchange).replace(":", "\\:")))
