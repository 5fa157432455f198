-- What the vault may do to each table.  Applied after every migration, so this file is the whole
-- truth: what is not granted here is revoked.  The trail is only added to, by nobody but the service;
-- a link is made, read and
-- removed, its seal never changed; rotations work as the migrator.  UPDATE of pool_slot is what locking one of its rows needs.
-- Keys and users are made by the operator, as the migrator: a service can't grant itself anything.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM vault_app;
GRANT USAGE ON SCHEMA public TO vault_app;

GRANT SELECT                         ON api_key    TO vault_app;
GRANT SELECT                         ON app_user   TO vault_app;
GRANT SELECT, INSERT, DELETE         ON link       TO vault_app;
GRANT UPDATE (is_further, is_closed, is_restricted) ON link TO vault_app;
GRANT SELECT, INSERT, DELETE         ON link_key   TO vault_app;
GRANT SELECT, INSERT, DELETE         ON person_merge TO vault_app;
GRANT SELECT, INSERT, DELETE         ON link_task  TO vault_app;
GRANT SELECT, INSERT                 ON tombstone  TO vault_app;
GRANT SELECT, INSERT                 ON key_use    TO vault_app;
GRANT UPDATE (reserved)              ON key_use    TO vault_app;
GRANT SELECT                         ON key_fence  TO vault_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON pool_slot  TO vault_app;
GRANT SELECT, INSERT                 ON trail_leaf TO vault_app;
GRANT SELECT, INSERT                 ON trail_head TO vault_app;
GRANT SELECT, INSERT                 ON trail_node TO vault_app;
-- Outside the tree: what of an entry is personal may go.
GRANT SELECT, INSERT, DELETE         ON trail_personal TO vault_app;

-- People.  A user is changed by the functions of the schema `staff` alone, which look at who asks.
GRANT USAGE ON SCHEMA staff TO vault_app;
GRANT EXECUTE ON FUNCTION staff.add_user(uuid, text, text[], text, text, text, text) TO vault_app;
GRANT EXECUTE ON FUNCTION staff.change_user(uuid, uuid, text[], boolean) TO vault_app;
GRANT SELECT, INSERT, UPDATE         ON sign_in       TO vault_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON user_session  TO vault_app;
GRANT SELECT, INSERT, DELETE         ON spent_token   TO vault_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON care          TO vault_app;
GRANT SELECT, INSERT                 ON access_grant  TO vault_app;
GRANT UPDATE (uses_left, subjects_left, revoked) ON access_grant TO vault_app;
GRANT SELECT, INSERT                 ON grant_subject TO vault_app;
GRANT SELECT, INSERT                 ON approval      TO vault_app;
GRANT UPDATE (state, decided_by)     ON approval      TO vault_app;
GRANT SELECT, INSERT                 ON break_glass   TO vault_app;
GRANT UPDATE (finding, reviewed_by)  ON break_glass   TO vault_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON usage         TO vault_app;
GRANT SELECT, INSERT, DELETE         ON usage_subject TO vault_app;
GRANT SELECT, INSERT, DELETE         ON canary        TO vault_app;
GRANT SELECT, INSERT                 ON suspension    TO vault_app;
GRANT SELECT, INSERT                 ON alert         TO vault_app;
GRANT UPDATE (acknowledged_by)       ON alert         TO vault_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_due     TO vault_app;

-- The own-identifier screen.
GRANT SELECT, INSERT, UPDATE         ON own_words     TO vault_app;
GRANT SELECT, INSERT                 ON screened      TO vault_app;
GRANT SELECT, INSERT, DELETE         ON rescreen      TO vault_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON screen_guess  TO vault_app;
-- The month in which a key was last used, and nothing else of a key.
GRANT UPDATE (last_used) ON api_key TO vault_app;

-- Projects.  A key is added, sealed anew and destroyed; what was decided of a project is only added to.
GRANT SELECT, INSERT, UPDATE         ON project          TO vault_app;
GRANT SELECT, INSERT                 ON project_history  TO vault_app;
GRANT SELECT, INSERT, DELETE         ON project_key      TO vault_app;
GRANT UPDATE (sealed)                ON project_key      TO vault_app;
GRANT SELECT, INSERT                 ON recipient        TO vault_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON opt_out_snapshot TO vault_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON opt_out          TO vault_app;
GRANT SELECT, INSERT, DELETE         ON objection        TO vault_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON consent          TO vault_app;
