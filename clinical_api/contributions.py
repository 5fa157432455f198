"""Commit a CONTRIBUTION: versions of several kinds, all of them or none.

1. `intents.read` says what is meant.
2. `followed.look_up` asks what the versions follow.
3. `commit` prepares every version as its own kind does, and makes one transaction of them.

The EHR's status counts as it was before the contribution: its own changes are written last.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import msgspec
from psycopg.types.json import Jsonb

from clinical_api import (
    compositions,
    documents,
    folders,
    own_words,
    statuses,
    tables,
    versions,
)
from clinical_api.audits import Audit
from clinical_api.compositions import Head
from clinical_api.followed import Follows, Latest
from clinical_api.intents import Intent, Sent
from clinical_api.own_words import OwnWords, Sealed
from clinical_api.registry import Known
from clinical_api.screen import Found, screen
from clinical_api.settings import Settings
from clinical_api.value_sets import ValueSets, settled_here
from clinical_api.versions import Act, Before, Change
from moiety.change_control import records, statements
from moiety.change_control.codes import ChangeType
from moiety.kit.commits import Commit, Row, Step
from moiety.kit.errors import Conflict, Malformed, ServiceError
from moiety.openehr import rm
from moiety.openehr.canonical import encode
from moiety.openehr.validate import validate_model

Find = Callable[[str], Known | None]


def commit(
    ehr_id: UUID,
    sent: Sent,
    follows: Follows,
    find: Find,
    settings: Settings,
    *,
    audit: Audit,
    value_sets: ValueSets | None = None,
    own: OwnWords | None = None,
) -> Commit:
    """The commit of a whole contribution; its result is an rm.Contribution.

    `audit` is that of the key, which stands in where nobody is named.  Raises Malformed and
    Unprocessable, with the place in the contribution, for versions that may not be.
    """
    act = Act(ehr_id, alone=False, contribution_id=sent.contribution_id or uuid4())
    with _placed("/audit"):
        own_audit = _audit(sent.audit, audit, settings, own, ehr_id)
    scene = _Scene(act, find, settings, own_audit, value_sets, own)
    made = [_make(scene, intent, number, follows) for number, intent in enumerate(sent.intents)]
    details = records.audit_details(own_audit.details, sent.change, act.time)
    result = records.contribution(
        act.contribution_id, details, [(one.uid, one.kind) for one in made]
    )
    # The status last: what it says counts from the next commit on.
    changes = sorted((one for one in made if one.change), key=lambda one: one.kind == "EHR_STATUS")
    opening = _opening(act, own_audit, sent.change, changes)
    beside = [step for one in made for step in one.beside]
    beside += own_words.kept(ehr_id, own_audit.sealed, str(act.contribution_id))
    steps = (opening, *(one.change.step for one in changes if one.change), *beside)

    def judge(rows: Sequence[Row]) -> None:
        versions.judge(rows[0], lambda: Conflict("A contribution with this uid exists already."))
        for one, row in zip(changes, rows[1:], strict=False):
            if one.change:
                one.change.judge(row)

    found = [*own_audit.found, *(one for version in made for one in version.found)]
    return own_words.marked(Commit(ehr_id, steps, judge, versions.landed(act), result), *found)


def kinds(sent: Sent, follows: Follows) -> set[str]:
    """The kinds of what the contribution changes or attests."""
    found = {rm.type_name(intent.data) for intent in sent.intents if intent.data}
    return found | {latest.kind for latest in follows.values()}


# --- parts ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scene:
    """What all versions of one contribution are made with."""

    act: Act
    find: Find
    settings: Settings
    audit: Audit
    value_sets: ValueSets | None
    own: OwnWords | None


@dataclass(frozen=True, slots=True)
class _Made:
    """A version ready to be written: None where an attestation changes none."""

    kind: str
    uid: str
    change: Change | None
    beside: tuple[Step, ...]
    found: tuple[Found, ...]  # of what is said beside its content


def _make(scene: _Scene, intent: Intent, number: int, follows: Follows) -> _Made:
    path = f"/versions[{number}]"
    latest = follows[intent.follows[0]] if intent.follows else None
    with _placed(f"{path}/commit_audit"):
        audit = _audit(intent.audit, scene.audit, scene.settings, scene.own, scene.act.ehr_id)
    audit = replace(audit, change=intent.change, lifecycle=intent.lifecycle)
    if intent.change is ChangeType.ATTESTATION and latest:
        return _attested(scene, intent, audit, latest, path=path)
    with _placed(f"{path}/data"):
        kind, change = _change(scene, intent, latest, audit)
    written = change.written
    place = Before(written.object_id, written.version)
    attested, found = _attestations(scene, intent, place, audit, path=path)
    detail, more = _detail(scene, intent, place, path=path)
    own_place = own_words.version_place(place.object_id, place.version)
    beside = (*detail, *attested, *own_words.kept(scene.act.ehr_id, audit.sealed, own_place))
    return _Made(kind, written.uid, change, beside, (*audit.found, *found, *more))


@contextmanager
def _placed(path: str) -> Iterator[None]:
    """What is found wrong inside is told with its place in the contribution."""
    try:
        yield
    except ServiceError as error:
        error.findings = [{**one, "path": f"{path}{one.get('path', '')}"} for one in error.findings]
        raise


def _attested(scene: _Scene, intent: Intent, audit: Audit, latest: Latest, *, path: str) -> _Made:
    """No new version: the attestations go beside one that is here."""
    version = (intent.follows or (latest.object_id, None))[1] or latest.version
    uid = versions.version_uid(latest.object_id, scene.settings, version)
    place = Before(latest.object_id, version)
    beside, found = _attestations(scene, intent, place, audit, path=path)
    return _Made(latest.kind, uid, None, beside, (*audit.found, *found))


def _change(
    scene: _Scene, intent: Intent, latest: Latest | None, audit: Audit
) -> tuple[str, Change]:
    match intent.data:
        case rm.Composition() as composition:
            return "COMPOSITION", _composition(scene, composition, latest, audit)
        case rm.Folder() as folder:
            return "FOLDER", _folder(scene, folder, latest, audit)
        case rm.EhrStatus() as data if latest is not None:
            status = statuses.prepare(data, scene.settings)
            status = statuses.screen_own(scene.own, scene.act.ehr_id, status)
            return "EHR_STATUS", statuses.succession(
                scene.act, _before(latest), status, scene.settings, audit=audit
            )
    return _deletion(scene, latest, audit)


def _composition(
    scene: _Scene, data: rm.Composition, latest: Latest | None, audit: Audit
) -> Change:
    act, settings = scene.act, scene.settings
    prepared = settled_here(
        scene.value_sets, lambda: compositions.prepare_decoded(data, settings, scene.find)
    )
    prepared = compositions.screen_own(scene.own, act.ehr_id, prepared)
    if latest is None:
        return compositions.creation(act, prepared, settings, audit=audit)
    make = compositions.restoration if latest.deleted else compositions.succession
    return make(act, _head(latest), prepared, settings, audit=audit)


def _folder(scene: _Scene, data: rm.Folder, latest: Latest | None, audit: Audit) -> Change:
    act, settings = scene.act, scene.settings
    prepared = folders.screen_own(scene.own, act.ehr_id, folders.prepare(data, settings))
    if latest is None:
        return folders.creation(act, prepared, settings, audit=audit)
    make = folders.restoration if latest.deleted else folders.succession
    return make(act, _before(latest), prepared, settings, audit=audit)


def _deletion(scene: _Scene, latest: Latest | None, audit: Audit) -> tuple[str, Change]:
    act, settings = scene.act, scene.settings
    if latest is None or latest.kind == "EHR_STATUS":
        raise Malformed("An EHR's status comes and goes with the EHR: it is never deleted.")
    if latest.kind == "FOLDER":
        return "FOLDER", folders.deletion(act, _before(latest), settings, audit=audit)
    return "COMPOSITION", compositions.deletion(act, _head(latest), settings, audit=audit)


def _opening(act: Act, audit: Audit, change: ChangeType, changes: Sequence[_Made]) -> Step:
    """The contribution itself, and its line in the log, which names what was found in any version.

    A status alone is written whatever it says itself.
    """
    only_status = {one.kind for one in changes} == {"EHR_STATUS"}
    owner = replace(tables.OWNER, condition="true") if only_status else tables.OWNER
    values = versions.act_parameters(act, audit, change)
    for one in changes:
        if one.change:
            values["findings"] = sorted(
                {*values["findings"], *one.change.step.parameters["findings"]}
            )
    return Step(statements.contribute(tables.composition, owner), values)


def _audit(
    sent: rm.AuditDetails, default: Audit, settings: Settings, own: OwnWords | None, ehr_id: UUID
) -> Audit:
    """What a client says of its commit, completed; the committing system is always this one.

    Raises Malformed and Unprocessable, as its content may not be stored either.
    """
    own_details = {**(default.said or default.details), "system_id": settings.system_id}
    details: dict[str, Any] = dict(own_details)
    for name in ("committer", "description"):
        given = getattr(sent, name)
        if given is not None:
            versions.refuse("AUDIT_DETAILS", validate_model(given))
            details[name] = msgspec.json.decode(encode(given))
    found = tuple(screen(msgspec.json.encode(details), settings))
    if details == own_details:  # nothing more is said than before
        return replace(
            default, details={**default.details, "system_id": settings.system_id}, found=found
        )
    kept, words, sealed = own_words.masked(own, ehr_id, details, dict[str, Any])
    return replace(default, details=kept, found=(*found, *words), said=details, sealed=sealed)


def _detail(
    scene: _Scene, intent: Intent, place: Before, *, path: str
) -> tuple[tuple[Step, ...], tuple[Found, ...]]:
    """The line of `version_detail`, for the few versions that have one."""
    detail: dict[str, Any] = {}
    act, found, sealed = scene.act, tuple[Found, ...](), None
    if intent.signature is not None:
        detail["signature"] = intent.signature
    if intent.other_inputs:
        detail["other_inputs"] = list(intent.other_inputs)
    if intent.original is not None:
        said = msgspec.json.decode(encode(intent.original))
        detail["original"], found, sealed = own_words.masked(
            scene.own, act.ehr_id, said, dict[str, Any]
        )
    if not detail:
        return (), ()
    with _placed(path):
        screen(msgspec.json.encode(detail), scene.settings)
    values = {
        "ehr_id": act.ehr_id, "object_id": place.object_id, "version": place.version,
        "contribution_id": act.contribution_id, "detail": Jsonb(detail),
    }  # fmt: skip
    words_place = own_words.original_place(place.object_id, place.version)
    return (Step(_DETAIL, values), *own_words.kept(act.ehr_id, sealed, words_place)), found


def _attestations(
    scene: _Scene, intent: Intent, place: Before, audit: Audit, *, path: str
) -> tuple[tuple[Step, ...], tuple[Found, ...]]:
    steps, found, owner = list[Step](), list[Found](), scene.act.ehr_id
    for number, one in enumerate(intent.attestations):
        with _placed(f"{path}/attestations[{number}]"):
            packed, words, sealed = _packed(one, scene, audit)
        found += words
        own_id = uuid4()
        values = {
            "ehr_id": owner, "attestation_id": own_id, "object_id": place.object_id,
            "version": place.version, "contribution_id": scene.act.contribution_id,
            "number": number, "time_committed": scene.act.time, "attestation": packed,
        }  # fmt: skip
        words_place = own_words.attestation_place(place.object_id, place.version, own_id)
        steps += [Step(_ATTESTATION, values), *own_words.kept(owner, sealed, words_place)]
    return tuple(steps), tuple(found)


def _packed(
    sent: rm.Attestation, scene: _Scene, audit: Audit
) -> tuple[bytes, tuple[Found, ...], Sealed | None]:
    """An attestation as it is stored: complete, checked and screened; and what was sealed."""
    sent.system_id = scene.settings.system_id
    sent.time_committed = records.date_time(scene.act.time)
    sent.change_type = ChangeType.ATTESTATION.coded
    if sent.committer is None:
        sent.committer = records.audit_details(
            audit.details, ChangeType.ATTESTATION, scene.act.time
        ).committer
    versions.refuse("ATTESTATION", validate_model(sent))
    text = encode(sent)
    screen(text, scene.settings)
    said, found, sealed = own_words.masked(
        scene.own, scene.act.ehr_id, msgspec.json.decode(text), dict[str, Any]
    )
    return documents.pack(msgspec.json.encode(said)), found, sealed


def _head(latest: Latest) -> Head:
    return Head(latest.object_id, latest.version, latest.template_key, latest.groups)


def _before(latest: Latest) -> Before:
    return Before(latest.object_id, latest.version)


_DETAIL = (
    "INSERT INTO version_detail (ehr_id, object_id, version, contribution_id, detail)"
    " VALUES (%(ehr_id)s, %(object_id)s, %(version)s, %(contribution_id)s, %(detail)s) RETURNING 1"
)
_ATTESTATION = (
    "INSERT INTO attestation (ehr_id, attestation_id, object_id, version, contribution_id, number,"
    " time_committed, attestation) VALUES (%(ehr_id)s, %(attestation_id)s, %(object_id)s,"
    " %(version)s, %(contribution_id)s, %(number)s, %(time_committed)s, %(attestation)s)"
    " RETURNING 1"
)
