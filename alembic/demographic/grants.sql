-- What the demographic service may do to each table.  Applied after every migration, so this file is
-- the whole truth: what is not granted here is revoked.  History is only added to.
-- Keys and users are made by the operator, as the migrator: a service can't grant itself anything.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM demographic_app;
GRANT USAGE ON SCHEMA public TO demographic_app;

GRANT SELECT                 ON api_key        TO demographic_app;
GRANT SELECT, INSERT, UPDATE ON person         TO demographic_app;
GRANT SELECT, INSERT         ON person_history TO demographic_app;
GRANT SELECT, INSERT, DELETE ON identifier     TO demographic_app;
GRANT SELECT, INSERT, DELETE ON person_name    TO demographic_app;

-- The month in which a key was last used, and nothing else of a key.
GRANT UPDATE (last_used) ON api_key TO demographic_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON words_due      TO demographic_app;

-- Who read which record: added to and read, no more.
GRANT SELECT, INSERT ON access_log TO demographic_app;

-- Who was merged into whom: made and taken back, never changed.
GRANT SELECT, INSERT, DELETE ON person_merge TO demographic_app;

-- Merges that the vault was not told of yet: locked while one is told, then gone.
GRANT SELECT, INSERT, UPDATE, DELETE ON merge_due TO demographic_app;
