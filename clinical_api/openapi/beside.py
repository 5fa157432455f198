"""What the openEHR REST API does not know: events, bulk, the organisation, operations."""

from json import dumps

from clinical_api.openapi.examples import record
from clinical_api.openapi.parameters import CANONICAL, JSON, OBJECT_ID, PLAIN
from clinical_api.openapi.parts import (
    IN_CANONICAL,
    answer,
    empty,
    json,
    media,
    operation,
    resource,
    sent,
    shown,
)
from clinical_api.openapi.schemas import TEXT, every, ref, thing

_EVENTS = "event:admin"
_HOOK = "/webhooks/{webhook_id}"
_NOT_KEPT = "Cache-Control"
_SHOWN = {200: answer("The webhook.", json(ref("WEBHOOK")), _NOT_KEPT)}
_LINES = "application/x-ndjson"
_CLIENT = {"url": "https://example.org/hooks/moiety", "after": "latest"}

EVENTS = (
    operation(
        "get", "/events", "events_get", "Read events, or listen",
        scope="event:read", parameters=["after", "limit_events", "of_ehr", "Last-Event-ID"],
        answers={200: answer(
            "A page (application/json), or for ever (text/event-stream), as Accept says.",
            {**json(ref("EVENTS")), **media("text/event-stream")}, _NOT_KEPT)},
        errors=[404, 406],
    ),
    operation(
        "get", "/webhooks", "webhook_list", "List the webhooks",
        scope=_EVENTS,
        answers={200: answer("Every webhook.", json(every(ref("WEBHOOK"))), _NOT_KEPT)},
    ),
    operation(
        "post", "/webhooks", "webhook_register", "Register a URL that events are delivered to",
        scope=_EVENTS, body=sent(shown(json(ref("NEW_WEBHOOK")), {JSON: _CLIENT})),
        answers={201: answer("Registered; the secret is shown this once.", json(ref("WEBHOOK")),
                             "Location", _NOT_KEPT)},
        errors=[404, 409, 429], never=[415],
    ),
    operation(
        "get", _HOOK, "webhook_get", "Read a webhook",
        scope=_EVENTS, answers=_SHOWN, never=[400],
    ),
    operation(
        "delete", _HOOK, "webhook_delete", "End a webhook",
        scope=_EVENTS, answers={204: empty("Ended.")}, never=[400],
    ),
    operation(
        "post", f"{_HOOK}/pause", "webhook_pause", "Send nothing for now; nothing is lost",
        scope=_EVENTS, answers=_SHOWN, never=[400],
    ),
    operation(
        "post", f"{_HOOK}/resume", "webhook_resume", "Go on where it was paused",
        scope=_EVENTS, answers=_SHOWN, never=[400],
    ),
    operation(
        "post", f"{_HOOK}/rotate", "webhook_rotate", "Make a new signing secret",
        scope=_EVENTS, answers=_SHOWN, errors=[409], never=[400],
    ),
    operation(
        "get", f"{_HOOK}/dead", "webhook_dead", "List what could not be delivered",
        scope=_EVENTS, parameters=["limit"],
        answers={200: answer("The oldest first.", json(every(ref("DEAD_LETTER"))), _NOT_KEPT)},
    ),
    operation(
        "post", f"{_HOOK}/dead/redeliver", "webhook_redeliver", "Send dead letters once more",
        scope=_EVENTS, body=sent(json(ref("REDELIVER")), required=False),
        answers={200: answer("How many.", json(ref("REDELIVERED")), _NOT_KEPT)}, never=[415],
    ),
)  # fmt: skip

_LINE = dumps(
    {"ehr_id": OBJECT_ID, "ehr": {}, "contribution": {"versions": [{"data": record("ehr_status")}]}}
)
_STOPPED = answer("A line was refused; what stands before it is stored.", json(ref("ERROR")))
_REPORT = {200: answer("What became of the lines.", json(ref("BULK_REPORT"))), 422: _STOPPED}

BULK = (
    operation(
        "post", "/bulk/import", "bulk_import", "Store lines of JSON",
        scope="bulk:import", parameters=["on_error", "first_line"],
        body=sent(shown(media(_LINES, "One JSON object a line."), {_LINES: _LINE})),
        answers=_REPORT, never=[415],
    ),
    operation(
        "get", "/bulk/export", "bulk_export", "Read the repository, or one EHR, as lines",
        scope="bulk:export", parameters=["of_ehr", "after_ehr", "templates"],
        answers={200: answer("One JSON object a line.", media(_LINES), _NOT_KEPT)}, errors=[404],
    ),
    operation(
        "get", "/bulk/extract/{ehr_id}", "bulk_extract_get", "Read an EHR as an EXTRACT",
        scope="bulk:export", parameters=IN_CANONICAL,
        answers={200: answer("The extract.", resource("EXTRACT", CANONICAL))},
    ),
    operation(
        "post", "/bulk/extract", "bulk_extract_load", "Take in the EHRs of an EXTRACT",
        scope="bulk:import", parameters=["on_error", "format"], body=sent(resource("EXTRACT")),
        answers=_REPORT,
    ),
)  # fmt: skip

_FOLDERS = "/folder-template"

ORGANISATION = (
    operation(
        "get", "/statistics", "statistics_get", "Ask how much there is",
        scope="statistics:read",
        answers={200: answer("As of this quarter of an hour.", json(ref("STATISTICS")))},
    ),
    operation(
        "put", _FOLDERS, "folder_template_set", "Set the directory that new EHRs begin with",
        scope="admin:configure", parameters=["format"],
        body=sent(shown(resource("FOLDER"), {JSON: record("folder")})),
        answers={204: empty("Set.")}, errors=[422],
    ),
    operation(
        "get", _FOLDERS, "folder_template_get", "Read the directory that new EHRs begin with",
        scope="admin:configure", parameters=IN_CANONICAL,
        answers={200: answer("The folder.", resource("FOLDER"))}, errors=[404],
    ),
    operation(
        "delete", _FOLDERS, "folder_template_delete", "Let new EHRs begin without a directory",
        scope="admin:configure", answers={204: empty("Gone.")}, errors=[404],
    ),
)  # fmt: skip

_UP = json(thing({"status": TEXT}, ["status"]))

OPERATIONS = (
    operation(
        "get", "/health", "health", "Ask whether the process runs",
        scope=None, answers={200: answer("It does.", _UP)},
    ),
    operation(
        "get", "/ready", "ready", "Ask whether every database answers",
        scope=None, answers={200: answer("They do.", _UP)}, errors=[503],
    ),
    operation(
        "get", "/metrics", "metrics", "Read metrics for Prometheus",
        scope=None, answers={200: answer("Counts and durations.", media(PLAIN))},
    ),
)  # fmt: skip
