"""One environment, several histories: `alembic --name clinical|demographic|vault|shred …`.

The section name picks the metadata, the version folder and the environment variable that holds the
URL, or with _FILE the name of a file that does; nothing here can reach two databases in one run.
After each upgrade `<name>/grants.sql` is applied in the same transaction, so that what a role may do
is never older than the tables.
"""

import os
from importlib import import_module
from pathlib import Path

import sqlalchemy as sa
from alembic import context

database = context.config.config_ini_section
module = context.config.get_main_option("metadata")
if module is None:
    raise SystemExit("Say which database: alembic --name clinical|demographic|vault|shred …")
metadata = import_module(module).metadata
variable = f"{database.upper()}_MIGRATION_URL"
if file := os.environ.get(f"{variable}_FILE"):
    text = Path(file).read_text().strip()
elif variable in os.environ:
    text = os.environ[variable]
else:
    raise SystemExit(
        f"Set {variable} to the database's URL, as its migrator role, or {variable}_FILE to a file"
        " that holds it."
    )
url = sa.make_url(text).set(drivername="postgresql+psycopg")
grants = Path(__file__).parent / database / "grants.sql"


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """The schema `leaf` grows with the templates, not with the migrations."""
    return not (kind == "schema" and name == "leaf")


options = {
    "target_metadata": metadata,
    "compare_server_default": True,
    "include_name": include_name,
}

if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
            context.run_migrations()
            if context.get_context().get_current_heads():
                connection.exec_driver_sql(grants.read_text())
