-- What the clinical service may do to each table.  Applied after every migration, so this file is the
-- whole truth: what is not granted here is revoked.  History and contributions are only added to.
-- Keys and users are made by the operator, as the migrator: a service can't grant itself anything.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM clinical_app;
GRANT USAGE ON SCHEMA public, leaf TO clinical_app;
GRANT EXECUTE ON FUNCTION leaf.extend(jsonb) TO clinical_app;

GRANT SELECT                         ON api_key             TO clinical_app;
GRANT SELECT, INSERT, UPDATE         ON ehr                 TO clinical_app;
GRANT SELECT, INSERT                 ON contribution        TO clinical_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON composition         TO clinical_app;
GRANT SELECT, INSERT                 ON composition_history TO clinical_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ehr_status          TO clinical_app;
GRANT SELECT, INSERT                 ON ehr_status_history  TO clinical_app;
GRANT SELECT, INSERT                 ON template            TO clinical_app;
GRANT SELECT, UPDATE                 ON registry            TO clinical_app;
GRANT SELECT, INSERT                 ON screen_finding      TO clinical_app;
