"""The examples of the OpenAPI document are sent as they stand, in the order of a record's life."""

import json

import pytest

from tests.fixtures.clinical_documents import uid_of, upload
from tests.fixtures.fix_services import served
from tests.fixtures.openapi_document import document, examples, operations, resolved, undescribed

WALK = (
    ("options", 200),
    ("health", 200),
    ("ready", 200),
    ("metrics", 200),
    ("admin_status", 200),
    ("definition_template_adl1.4_upload", 201),
    ("definition_template_adl1.4_list", 200),
    ("definition_template_adl1.4_get", 200),
    ("definition_template_adl1.4_example_get", 200),
    ("template_change", 200),
    ("template_revisions", 200),
    ("template_activate", 204),
    ("definition_template_adl2_upload", 201),
    ("definition_template_adl2_list", 200),
    ("definition_template_adl2_get", 200),
    ("definition_template_adl2_version_get", 200),
    ("definition_template_adl2_example_get", 200),
    ("folder_template_set", 204),
    ("folder_template_get", 200),
    ("folder_template_delete", 204),
    ("ehr_create", 201),
    ("ehr_create_with_id", 201),
    ("ehr_get_by_id", 200),
    ("ehr_status_get_at_time", 200),
    ("ehr_status_update", 200),
    ("ehr_status_get_by_version_id", 200),
    ("versioned_ehr_status_get", 200),
    ("versioned_ehr_status_revision_history", 200),
    ("versioned_ehr_status_version_get_at_time", 200),
    ("versioned_ehr_status_version_get_by_id", 200),
    ("ehr_get_by_subject", 404),
    ("contribution_create", 201),
    ("contribution_get", 200),
    ("directory_create", 201),
    ("directory_get_at_time", 200),
    ("directory_update", 200),
    ("directory_get_by_version_id", 200),
    ("directory_delete", 204),
    ("admin_directory_delete_any", 204),
    ("admin_directory_delete", 404),
    ("composition_create", 201),
    ("composition_get", 200),
    ("composition_update", 200),
    ("versioned_composition_get", 200),
    ("versioned_composition_revision_history", 200),
    ("versioned_composition_version_get_at_time", 200),
    ("versioned_composition_version_get_by_id", 200),
    ("composition_tags_update", 200),
    ("composition_tags_get", 200),
    ("ehr_tags_get", 200),
    ("composition_tags_delete", 204),
    ("ehr_status_tags_update", 200),
    ("ehr_status_tags_get", 200),
    ("ehr_status_tags_delete", 204),
    ("definition_query_store.yaml", 200),
    ("definition_query_list", 200),
    ("stored_query_list_all", 200),
    ("definition_query_version_get", 200),
    ("definition_query_version_store.yaml", 409),
    ("query_execute_adhoc_query", 200),
    ("query_execute_adhoc_query_body", 200),
    ("query_explain", 200),
    ("query_slow", 200),
    ("query_execute_stored_query", 200),
    ("query_execute_stored_query_body", 200),
    ("query_execute_stored_query_version", 200),
    ("query_execute_stored_query_version_body", 200),
    ("admin_query_delete", 200),
    ("events_get", 200),
    ("webhook_register", 201),
    ("webhook_list", 200),
    ("webhook_get", 200),
    ("webhook_pause", 200),
    ("webhook_resume", 200),
    ("webhook_rotate", 200),
    ("webhook_dead", 200),
    ("webhook_redeliver", 200),
    ("webhook_delete", 204),
    ("statistics_get", 200),
    ("bulk_import", 200),
    ("bulk_export", 200),
    ("bulk_extract_get", 200),
    ("bulk_extract_load", 200),
    ("composition_delete", 204),
    ("admin_composition_delete", 204),
    ("admin_contribution_delete", 501),
    ("admin_ehr_delete", 204),
    ("admin_ehr_delete_all", 405),
    ("admin_template_replace", 200),
    ("admin_template_delete", 200),
    ("template_delete", 404),
    ("admin_template_delete_all", 200),
)
"""Every operation, with what its examples are answered at this place of the walk."""
AGAIN = {"ehr_create_with_id", "directory_create", "definition_query_store.yaml"}
"""What can be sent once; its other examples are a conflict."""
KEPT = {
    "ehr_status_get_at_time": "status", "ehr_status_update": "status", "directory_create": "folder",
    "directory_update": "folder", "composition_create": "composition",
    "composition_update": "composition", "contribution_create": "contribution",
    "webhook_register": "webhook",
}  # fmt: skip


@pytest.fixture
def client(clinical_database):
    """A client of a service that signs webhooks."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings

    settings = Settings(database_url=clinical_database.url(), webhook_key="a key of the test")
    with (
        served("clinical", create_app(settings), clinical_database) as service,
        service.client() as client,
    ):
        yield client


class Walk:
    """What earlier answers named: the ids that the service gave itself."""

    def __init__(self, client):
        self.client = client
        self.there = document()
        self.told = {one["operationId"]: (key, one) for key, one in operations(self.there).items()}
        self.uids = {}

    def latest(self, name):
        """The latest uid of what an operation is about."""
        for part, kept in (("status", "status"), ("directory", "folder"),
                           ("contribution", "contribution"), ("webhook", "webhook")):  # fmt: skip
            if part in name:
                return self.uids.get(kept)
        return self.uids.get("composition")

    def segment(self, name, parameter, example):
        """A segment of the path: what was given by the service, or the example."""
        uid = self.latest(name)
        match parameter:
            case "version_uid" | "contribution_uid" | "webhook_id":
                return uid or example
            case "uid_based_id" | "versioned_object_uid" | "composition_id" | "directory_id":
                return uid.partition("::")[0] if uid else example
        return example

    def send(self, name, media=None, content=None, accept=None):
        """Send one example of an operation."""
        (method, path), told = self.told[name]
        headers, query = {}, {}
        for one in (resolved(self.there, one) for one in told.get("parameters", [])):
            example = one.get("example")
            match one["in"]:
                case "path":
                    found = self.segment(name, one["name"], example)
                    path = path.replace(f"{{{one['name']}}}", str(found))
                case "header" if one["name"] == "If-Match":
                    headers["If-Match"] = f'"{self.latest(name)}"'
                case "header" if example is not None and one["name"] != "Accept":
                    headers[one["name"]] = example
                case "query" if example is not None:
                    query[one["name"]] = example
        if media:
            headers["Content-Type"] = media
        if accept:
            headers["Accept"] = accept
        answer = self.client.request(
            method, path, params=query, headers=headers, content=content
        )  # fmt: skip
        if name in KEPT and answer.status_code < 300:
            given = answer.json()["id"] if name == "webhook_register" else uid_of(answer)
            self.uids[KEPT[name]] = given
        return answer

    def fault(self, name, answer):
        """What the description lacks of an answer, if anything."""
        return undescribed(self.there, self.told[name][1], answer)

    def formats(self, name):
        """The media types that Accept may name."""
        told = self.told[name][1]
        asked = [resolved(self.there, one) for one in told.get("parameters", [])]
        return next((one["schema"]["enum"] for one in asked if one["name"] == "Accept"), ["*/*"])


@pytest.mark.row("definition_template_adl2_example_get", "admin_status")
@pytest.mark.behaviour("described")
def test_every_example_runs(client):
    """Each operation once at least, in each format that has an example and in each that is read;
    every answer is as it is described.
    """
    walk = Walk(client)
    upload(client, "problem_diagnosis")
    extract = None
    for name, status in WALK:
        bodies = list(examples(walk.there, walk.told[name][1])) or [(None, None)]
        if name == "bulk_extract_load":
            bodies = [("application/json", extract)]
        if name in AGAIN:
            bodies = bodies[:1]
        for media, content in bodies:
            text = content if isinstance(content, str | None) else json.dumps(content)
            answer = walk.send(name, media, text)
            assert status == answer.status_code, (name, media, answer.text)
            assert None is walk.fault(name, answer), (name, media)
        for accept in walk.formats(name) if walk.told[name][0][0] == "get" else ():
            answer = walk.send(name, accept=accept)
            assert status == answer.status_code, (name, accept, answer.text)
            assert None is walk.fault(name, answer), (name, accept)
        if name == "bulk_extract_get":
            extract = walk.send(name).text
    assert {name for name, _ in WALK} == set(walk.told)
