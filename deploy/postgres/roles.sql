-- Who may log in, and where.  Run once, by a superuser, on the server of each database (or on one
-- server that holds them all); then set a password for each role: ALTER ROLE … PASSWORD '…'.
-- What a role may do to which table stands in alembic/<database>/grants.sql.

CREATE ROLE clinical_migrator LOGIN;
CREATE ROLE clinical_app LOGIN;
ALTER ROLE clinical_app SET statement_timeout = '30s';
ALTER ROLE clinical_app SET lock_timeout = '5s';
ALTER ROLE clinical_app SET idle_in_transaction_session_timeout = '60s';
CREATE DATABASE clinical OWNER clinical_migrator TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE clinical FROM PUBLIC;
GRANT CONNECT ON DATABASE clinical TO clinical_app;

CREATE ROLE demographic_migrator LOGIN;
CREATE ROLE demographic_app LOGIN;
ALTER ROLE demographic_app SET statement_timeout = '10s';
ALTER ROLE demographic_app SET lock_timeout = '5s';
ALTER ROLE demographic_app SET idle_in_transaction_session_timeout = '60s';
CREATE DATABASE demographic OWNER demographic_migrator TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE demographic FROM PUBLIC;
GRANT CONNECT ON DATABASE demographic TO demographic_app;

CREATE ROLE vault_migrator LOGIN;
CREATE ROLE vault_app LOGIN;
ALTER ROLE vault_app SET statement_timeout = '10s';
ALTER ROLE vault_app SET lock_timeout = '5s';
ALTER ROLE vault_app SET idle_in_transaction_session_timeout = '60s';
CREATE DATABASE vault OWNER vault_migrator TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE vault FROM PUBLIC;
GRANT CONNECT ON DATABASE vault TO vault_app;

-- Secrets to be destroyed: on a server of its own, whose backups are kept seven days at most.
CREATE ROLE shred_migrator LOGIN;
CREATE ROLE shred_app LOGIN;
ALTER ROLE shred_app SET statement_timeout = '10s';
ALTER ROLE shred_app SET lock_timeout = '5s';
ALTER ROLE shred_app SET idle_in_transaction_session_timeout = '60s';
CREATE DATABASE shred OWNER shred_migrator TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE shred FROM PUBLIC;
GRANT CONNECT ON DATABASE shred TO shred_app;
