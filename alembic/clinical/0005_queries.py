"""What queries lean on: who keeps out of population queries, and indexes that an operator declares.

It only adds: the release before it runs on these tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HOT = """
-- Indexes the column of a path that an operator has declared, in a leaf table that a new template
-- has made or widened.  Only where no row waits for it: a table with rows is indexed by
-- `moiety clinical index build`, which blocks no writer.  True where the index is there.
CREATE FUNCTION leaf.keep_index(wanted text, place text, field text, sort text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  name text := 'hot_' || substr(place, 3) || '_' || substr(field, 3);
  filled boolean;
BEGIN
  IF place !~ '^g_[0-9a-f]{16}$' OR field !~ '^c_[0-9a-f]{16}$' THEN
    RAISE EXCEPTION 'not a generated name';
  END IF;
  IF sort NOT IN ('real', 'integer', 'text', 'boolean', 'instant') THEN
    RAISE EXCEPTION 'not a kind of column';
  END IF;
  IF NOT EXISTS (SELECT FROM public.hot_index WHERE path = wanted) THEN
    RAISE EXCEPTION 'not a declared path';
  END IF;
  INSERT INTO public.hot_index VALUES (wanted, place, field, sort) ON CONFLICT DO NOTHING;
  IF to_regclass(format('leaf.%I', name)) IS NOT NULL THEN
    RETURN true;
  END IF;
  EXECUTE format('SELECT EXISTS (SELECT FROM leaf.%I)', place) INTO filled;
  IF NOT filled THEN
    EXECUTE leaf.index_text(place, field, sort, '');
  END IF;
  RETURN NOT filled;
END $$;

-- The statement that makes the index of a column.  A text may be longer than an index row has room
-- for, so its first characters are indexed.  The columns beside a value answer most queries without
-- the table.
CREATE FUNCTION leaf.index_text(place text, field text, sort text, how text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('CREATE INDEX %s %I ON leaf.%I ', how,
      'hot_' || substr(place, 3) || '_' || substr(field, 3), place)
    || CASE sort WHEN 'text' THEN format('("left"(%I, 120))', field)
       ELSE format('(%I) INCLUDE (ehr_id, row_key, num, par, template_key, node)', field) END
$$;

REVOKE ALL ON FUNCTION leaf.keep_index(text, text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION leaf.index_text(text, text, text, text) FROM PUBLIC;
"""


def upgrade() -> None:
    op.create_index(
        "ix_ehr_hidden", "ehr", ["ehr_id"], unique=False, postgresql_where=sa.text("NOT queryable")
    )
    op.create_table(
        "hot_index",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("path", "table_name", "column_name", name=op.f("pk_hot_index")),
    )
    op.execute(HOT)


def downgrade() -> None:
    op.execute("DROP FUNCTION leaf.keep_index(text, text, text, text)")
    op.execute("DROP FUNCTION leaf.index_text(text, text, text, text)")
    op.drop_table("hot_index")
    op.drop_index("ix_ehr_hidden", table_name="ehr")
