"""Accounts are changed by functions that look at who asks; when and from where a key is used."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STAFF = """
-- Accounts.  The service has no right to write app_user: these functions, which run as the migrator,
-- are its one way, and they look at who asks.  An administrator who is active may, and not about an
-- account of the same human.  A refusal is insufficient_privilege (42501).
CREATE SCHEMA staff;

CREATE FUNCTION staff.demand(actor uuid, about text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM public.app_user
    WHERE user_id = actor AND active AND 'administrator' = ANY (roles) AND staff_id <> about
  ) THEN
    RAISE EXCEPTION 'not for this administrator to change' USING ERRCODE = '42501';
  END IF;
END
$$;

CREATE FUNCTION staff.add_user(
  actor uuid, name text, roles text[], staff_id text, login text, manager_id text, outside_id text
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  made uuid := gen_random_uuid();
BEGIN
  PERFORM staff.demand(actor, staff_id);
  INSERT INTO public.app_user (user_id, name, roles, staff_id, login, manager_id, outside_id)
  VALUES (made, name, roles, staff_id, login, manager_id, outside_id);
  RETURN made;
END
$$;

CREATE FUNCTION staff.change_user(actor uuid, changed uuid, new_roles text[], new_active boolean)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  about text;
BEGIN
  SELECT u.staff_id INTO about FROM public.app_user u WHERE u.user_id = changed FOR UPDATE;
  PERFORM staff.demand(actor, coalesce(about, ''));
  UPDATE public.app_user u
  SET roles = coalesce(new_roles, u.roles), active = coalesce(new_active, u.active)
  WHERE u.user_id = changed;
  RETURN FOUND;
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA staff FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(STAFF)
    op.add_column("api_key", sa.Column("last_used", sa.Date()))
    op.add_column("api_key", sa.Column("sources", postgresql.ARRAY(sa.Text())))


def downgrade() -> None:
    op.drop_column("api_key", "sources")
    op.drop_column("api_key", "last_used")
    op.execute("DROP SCHEMA staff CASCADE")
