"""Commit compositions.

A commit is prepared without a connection (decode, validate, screen, typed rows, document) and then
handed to the commit queue; what it became is known only after COMMIT.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeAlias
from uuid import UUID, uuid4

from clinical_api import documents, formats, tables, versions, wording
from clinical_api.audits import Audit
from clinical_api.formats import Format, malformed
from clinical_api.own_words import OwnWords, Sealed, screened
from clinical_api.registry import Known
from clinical_api.screen import Found, screen
from clinical_api.settings import Settings
from clinical_api.versions import Act, Change
from moiety.change_control import statements
from moiety.change_control.codes import ChangeType
from moiety.change_control.statements import Children
from moiety.kit.commits import Commit, Step
from moiety.kit.errors import Conflict, Malformed, Unprocessable, VersionConflict
from moiety.openehr import rm
from moiety.openehr.canonical import decode_and_encode, encode
from moiety.openehr.errors import RmError
from moiety.openehr.leaves import ROWS_VERSION
from moiety.openehr.simplified.forms import decode_simplified
from moiety.openehr.validate import Checked


class UnknownTemplate(Unprocessable):
    """The composition's template is not known here: upload it first."""


Written: TypeAlias = versions.Written


@dataclass(frozen=True, slots=True)
class Head:
    """The latest version of a composition, as an update needs to know it."""

    object_id: UUID
    version: int
    template_key: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A valid document and the rows it brings."""

    composition: rm.Composition
    known: Known
    checked: Checked
    found: tuple[Found, ...]
    sealed: Sealed | None = None


def prepare(body: bytes, settings: Settings, find: Callable[[str], Known | None]) -> Prepared:
    """Decode, validate and screen a composition.

    Raises Malformed for broken structure, Unprocessable for an unknown template, a broken
    constraint or an identifier that may not be stored.
    """
    try:
        composition, text = decode_and_encode(body, rm.Composition)
    except RmError as error:
        if settings.misplaced == "refuse":
            raise malformed("composition", error) from None
        composition = formats.decode_leniently(body, rm.Composition)
        text = None
    return prepare_decoded(composition, settings, find, text=text)


def prepare_as(
    form: Format,
    body: bytes,
    settings: Settings,
    find: Callable[[str], Known | None],
    *,
    template_id: str | None,
) -> Prepared:
    """As `prepare`, of a body in any format; `template_id` for those that do not name theirs."""
    match form:
        case Format.JSON:
            return prepare(body, settings, find)
        case Format.XML:
            return prepare_decoded(formats.decode(body, rm.Composition, form), settings, find)
    if template_id is None:
        raise Malformed(
            "A composition in this format needs the header openehr-template-id,"
            " or the parameter templateId."
        )
    known = find(template_id)
    if known is None:
        raise _unknown_template("/")
    try:
        composition = decode_simplified(body, known.forms, now=datetime.now(UTC).isoformat())
    except RmError as error:
        raise wording.broken_field(error, body, values=settings.profile == "conformance") from None
    return prepare_decoded(composition, settings, find)


def prepare_decoded(
    composition: rm.Composition,
    settings: Settings,
    find: Callable[[str], Known | None],
    *,
    text: bytes | None = None,
) -> Prepared:
    """Validate and screen a composition.  Raises Malformed and Unprocessable, as `prepare`.

    `text` is what it is written as, where that is known.
    """
    known = _template_of(composition, find)
    checked = known.compiled.check(composition, known.template_key)
    if checked.findings:
        _refuse(checked, composition, settings)
    # What is stored is screened, not what was sent: the two are written by different hands.
    found = tuple(screen(text or encode(composition), settings))
    return Prepared(composition, known, checked, found)


def screen_own(own: OwnWords | None, ehr_id: UUID, prepared: Prepared) -> Prepared:
    """The composition without its subject's own words, as the policy says.

    Raises Unavailable when the vault is away and nothing may be committed unscreened.
    """
    if own is None:
        return prepared
    known, checks = prepared.known, [prepared.checked]

    def still_valid(composition: rm.Composition) -> bool:
        checks.append(known.compiled.check(composition, known.template_key))
        return not checks[-1].findings

    composition, found, sealed = screened(
        own, ehr_id, prepared.composition, rm.Composition, still_valid
    )
    checked = checks[-1] if sealed else prepared.checked
    return Prepared(composition, known, checked, (*prepared.found, *found), sealed)


def create(ehr_id: UUID, prepared: Prepared, settings: Settings, *, audit: Audit) -> Commit:
    """The commit of a first version.  Its result is a Written.

    It raises NotFound without the EHR, and Conflict when the EHR may not be modified or the
    composition's own uid is taken.
    """
    act = Act(ehr_id)
    return versions.commit(act, creation(act, prepared, settings, audit=audit), audit)


def update(
    ehr_id: UUID, head: Head, prepared: Prepared, settings: Settings, *, audit: Audit
) -> Commit:
    """The commit of the version after `head`.  It raises VersionConflict if another was faster."""
    act = Act(ehr_id)
    return versions.commit(act, succession(act, head, prepared, settings, audit=audit), audit)


def delete(ehr_id: UUID, head: Head, settings: Settings, *, audit: Audit) -> Commit:
    """The commit of a logical deletion: a version without content."""
    act = Act(ehr_id)
    return versions.commit(act, deletion(act, head, settings, audit=audit), audit)


def creation(act: Act, prepared: Prepared, settings: Settings, *, audit: Audit) -> Change:
    """The first version of a composition, as a change of `act`."""
    given = versions.given_object_id(prepared.composition.uid)
    object_id = given or uuid4()
    text, parameters, children = _version(
        prepared, act, object_id, 1, settings, change=ChangeType.CREATION, audit=audit
    )
    statement = statements.create(
        tables.composition, tables.OWNER, children, client_id=given is not None, alone=act.alone
    )
    written = _written(object_id, settings, 1, text)
    return Change(Step(statement, parameters), written, _taken)


def succession(
    act: Act, head: Head, prepared: Prepared, settings: Settings, *, audit: Audit
) -> Change:
    """The version after `head`, as a change of `act`.  Raises Malformed for another template."""
    _demand_same(head, prepared, settings)
    version = head.version + 1
    text, parameters, children = _version(
        prepared, act, head.object_id, version, settings, change=ChangeType.MODIFICATION,
        audit=audit,
    )  # fmt: skip
    statement = statements.update(
        tables.composition, tables.OWNER, children, head.groups, alone=act.alone
    )
    written = _written(head.object_id, settings, version, text)
    step = Step(statement, parameters | {"expected": head.version})
    return Change(step, written, VersionConflict)


def restoration(
    act: Act, head: Head, prepared: Prepared, settings: Settings, *, audit: Audit
) -> Change:
    """The version after a deletion, which `head` is, as a change of `act`."""
    _demand_same(head, prepared, settings)
    version = head.version + 1
    text, parameters, children = _version(
        prepared, act, head.object_id, version, settings, change=ChangeType.RESTORATION,
        audit=audit,
    )  # fmt: skip
    statement = statements.restore(tables.composition, tables.OWNER, children, alone=act.alone)
    written = _written(head.object_id, settings, version, text)
    step = Step(statement, parameters | {"expected": head.version})
    return Change(step, written, VersionConflict)


def deletion(act: Act, head: Head, settings: Settings, *, audit: Audit) -> Change:
    """The logical deletion of `head`, as a change of `act`."""
    version = head.version + 1
    parameters = {
        **versions.parameters(
            act, audit, object_id=head.object_id, version=version, change=ChangeType.DELETED,
            document=None,
        ),
        "expected": head.version,
        "template_key": head.template_key,
        "rows_version": ROWS_VERSION,
        "residue": 0,
        "groups": [],
    }  # fmt: skip
    statement = statements.delete(tables.composition, tables.OWNER, head.groups, alone=act.alone)
    written = _written(head.object_id, settings, version, None)
    return Change(Step(statement, parameters), written, VersionConflict)


# --- parts -----------------------------------------------------------------------------------


def _template_of(composition: rm.Composition, find: Callable[[str], Known | None]) -> Known:
    details = composition.archetype_details
    template_id = details.template_id.value if details and details.template_id else None
    path = "/archetype_details/template_id/value"
    if template_id is None:
        raise Malformed(
            "A composition names its template.",
            findings=[{"path": path, "rule": "existence", "expected": "1..1"}],
        )
    known = find(template_id)
    if known is None:
        raise _unknown_template(path)
    return known


def _unknown_template(path: str) -> UnknownTemplate:
    return UnknownTemplate(
        findings=[{"path": path, "rule": "known template", "expected": "a stored template"}]
    )


def _refuse(checked: Checked, composition: rm.Composition, settings: Settings) -> NoReturn:
    values = settings.profile == "conformance"
    findings = wording.told(checked.findings, composition, values=values)
    if any(f.structural for f in checked.findings):
        sentences = wording.summary("The composition's structure is broken:", findings)
        raise Malformed(sentences, findings=findings)
    sentences = wording.summary("The composition breaks its template:", findings)
    raise Unprocessable(sentences, findings=findings)


def _taken() -> Conflict:
    return Conflict("A composition with this uid exists already.")


def _demand_same(head: Head, prepared: Prepared, settings: Settings) -> None:
    """A version follows one of its own object and template.

    Raises Malformed for another template, VersionConflict for the uid of another composition.
    """
    versions.demand_own_uid(
        prepared.composition.uid, head.object_id, head.version, settings.system_id
    )
    if head.template_key not in (prepared.known.template_key, *prepared.known.former):
        raise Malformed("A new version must use the template of the one before it.")


def _written(object_id: UUID, settings: Settings, version: int, text: bytes | None) -> Written:
    return Written(versions.version_uid(object_id, settings, version), object_id, version, text)


def _version(
    prepared: Prepared,
    act: Act,
    object_id: UUID,
    version: int,
    settings: Settings,
    *,
    change: ChangeType,
    audit: Audit,
) -> tuple[bytes, dict[str, Any], tuple[Children, ...]]:
    """The document with its uid set, the statement's parameters, the tables its rows go to."""
    uid = versions.version_uid(object_id, settings, version)
    prepared.composition.uid = rm.ObjectVersionId(value=uid)
    text = encode(prepared.composition)
    children, arrays = _children(prepared)
    parameters = versions.parameters(
        act, audit, object_id=object_id, version=version, change=change,
        document=documents.pack(text), found=prepared.found,
    )  # fmt: skip
    parameters |= {
        "template_key": prepared.known.template_key,
        "rows_version": ROWS_VERSION,
        "residue": int(prepared.checked.residue),
        "groups": [rows.table for rows in prepared.checked.rows],
    }
    return text, parameters | arrays, children


def _children(prepared: Prepared) -> tuple[tuple[Children, ...], dict[str, str]]:
    """The tables that the version's rows go to, and one JSON array for each."""
    place = prepared.known.place
    children = [place(rows.table, rows.columns) for rows in prepared.checked.rows]
    arrays = [rows.rows for rows in prepared.checked.rows]
    more, rows = versions.screen_children(prepared.found, prepared.sealed)
    children += more
    arrays += rows
    return tuple(children), versions.arrays(arrays)
