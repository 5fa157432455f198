-- Distribute a clinical database over Citus, by EHR.
--
-- Run once, as the migrator, in a migrated database that is still empty of records, on the
-- coordinator, after CREATE EXTENSION citus.  It has not been run on a Citus server: none could be
-- had where it was written.  tests/contract/test_citus.py holds it against the catalogue: every
-- table stands in one of the two lists, and every key of a distributed one begins with ehr_id.
--
-- Everything that belongs to an EHR is colocated with it, so a commit and a query of one EHR go to
-- one node; what all nodes must know is a reference table.

BEGIN;

-- Citus can't hold a unique index without the distribution column.  An object id is random and
-- belongs to one EHR, so what is lost is the refusal of an id that a client chose twice in two EHRs.
DROP INDEX ix_composition_object_id, ix_ehr_status_object_id, ix_folder_object_id;
CREATE INDEX ix_composition_object_id ON composition (object_id);
CREATE INDEX ix_ehr_status_object_id ON ehr_status (object_id);
CREATE INDEX ix_folder_object_id ON folder (object_id);

-- The same for subjects: two EHRs of one subject are refused on one node only.
ALTER TABLE ehr DROP CONSTRAINT uq_ehr_subject_namespace_subject_id;
ALTER TABLE ehr DROP CONSTRAINT uq_ehr_subject_namespace_opaque_subject;
CREATE INDEX ix_ehr_subject_id ON ehr (subject_namespace, subject_id);
CREATE INDEX ix_ehr_opaque_subject ON ehr (subject_namespace, opaque_subject);

SELECT create_reference_table(name) FROM unnest(ARRAY[
  'access_log', 'api_key', 'event_era', 'folder_template', 'hot_index', 'registry', 'stored_query', 'template',
  'template_adl2', 'template_superseded', 'webhook', 'webhook_delivery'
]::regclass[]) AS name;

SELECT create_distributed_table('ehr', 'ehr_id', shard_count => 16);
SELECT create_distributed_table(name, 'ehr_id', colocate_with => 'ehr') FROM unnest(ARRAY[
  'attestation', 'audit_words', 'commit_log', 'composition', 'composition_history', 'contribution',
  'ehr_status', 'ehr_status_history', 'erasure', 'folder', 'folder_history', 'item_tag', 'screen_finding',
  'screen_later', 'sealed_words', 'version_detail'
]::regclass[]) AS name;

-- The leaf tables that the templates have made so far; repeat this after each new template.
SELECT create_distributed_table(c.oid::regclass, 'ehr_id', colocate_with => 'ehr')
FROM pg_class c
WHERE c.relnamespace = 'leaf'::regnamespace AND c.relkind = 'r'
  AND NOT EXISTS (SELECT FROM pg_dist_partition p WHERE p.logicalrelid = c.oid);

COMMIT;
