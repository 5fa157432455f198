-- What the vault may do in the shred store: make a secret, read it, destroy it; never change one.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM shred_app;
GRANT USAGE ON SCHEMA public TO shred_app;

GRANT SELECT, INSERT, DELETE ON shred_secret TO shred_app;
