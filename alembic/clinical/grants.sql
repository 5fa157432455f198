-- What the clinical service may do to each table.  Applied after every migration, so this file is the
-- whole truth: what is not granted here is revoked.  History and contributions are only added to.
-- Keys and users are made by the operator, as the migrator: a service can't grant itself anything.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM clinical_app;
GRANT USAGE ON SCHEMA public, leaf TO clinical_app;
GRANT EXECUTE ON FUNCTION leaf.extend(jsonb) TO clinical_app;
GRANT EXECUTE ON FUNCTION leaf.keep_index(text, text, text, text) TO clinical_app;
-- Deletion for good, for keys with the scope admin:delete.
GRANT USAGE ON SCHEMA removal TO clinical_app;
GRANT EXECUTE ON FUNCTION removal.ehrs(uuid[], text, text) TO clinical_app;
GRANT EXECUTE ON FUNCTION removal.versioned(text, uuid, uuid, text, text) TO clinical_app;
GRANT EXECUTE ON FUNCTION removal.template(text) TO clinical_app;
GRANT EXECUTE ON FUNCTION removal.stored_query(text, int, int, int) TO clinical_app;
-- A document from which its subject's own words were taken out, in place of the one before.
GRANT USAGE ON SCHEMA reseal TO clinical_app;
GRANT EXECUTE ON FUNCTION reseal.version(text, uuid, bigint, bytea, text) TO clinical_app;
GRANT EXECUTE ON FUNCTION reseal.audit(text, uuid, text, jsonb, text) TO clinical_app;
GRANT EXECUTE ON FUNCTION reseal.attestation(uuid, uuid, bytea, text) TO clinical_app;
GRANT EXECUTE ON FUNCTION reseal.original(uuid, uuid, integer, jsonb, text) TO clinical_app;

GRANT SELECT                         ON api_key             TO clinical_app;
GRANT SELECT, INSERT, UPDATE         ON ehr                 TO clinical_app;
GRANT SELECT, INSERT                 ON contribution        TO clinical_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON composition         TO clinical_app;
GRANT SELECT, INSERT                 ON composition_history TO clinical_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ehr_status          TO clinical_app;
GRANT SELECT, INSERT                 ON ehr_status_history  TO clinical_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON folder              TO clinical_app;
GRANT SELECT, INSERT                 ON folder_history      TO clinical_app;
GRANT SELECT, INSERT                 ON version_detail      TO clinical_app;
GRANT SELECT, INSERT                 ON attestation         TO clinical_app;
GRANT SELECT, INSERT                 ON commit_log          TO clinical_app;
GRANT SELECT, INSERT, UPDATE         ON template            TO clinical_app;
GRANT SELECT, INSERT                 ON template_superseded TO clinical_app;
GRANT SELECT, INSERT                 ON template_adl2       TO clinical_app;
GRANT SELECT, INSERT                 ON stored_query        TO clinical_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON item_tag            TO clinical_app;
GRANT SELECT, UPDATE                 ON registry            TO clinical_app;
GRANT SELECT                         ON hot_index           TO clinical_app;
GRANT SELECT, INSERT                 ON sealed_words        TO clinical_app;
GRANT SELECT, INSERT                 ON audit_words         TO clinical_app;
GRANT SELECT, INSERT, DELETE         ON screen_later        TO clinical_app;
GRANT SELECT, INSERT                 ON screen_finding      TO clinical_app;
GRANT SELECT                         ON event_era           TO clinical_app;
GRANT SELECT                         ON erasure             TO clinical_app;
GRANT EXECUTE ON FUNCTION begin_event_era() TO clinical_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook             TO clinical_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_delivery    TO clinical_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON folder_template     TO clinical_app;

-- The month in which a key was last used, and nothing else of a key.
GRANT UPDATE (last_used) ON api_key TO clinical_app;

-- Who read which record: added to and read, no more.
GRANT SELECT, INSERT ON access_log TO clinical_app;
