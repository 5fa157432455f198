"""FOLDER: the directory of an EHR, one at a time, under change control."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from clinical_api import tables, versions
from clinical_api.audits import Audit
from clinical_api.own_words import OwnWords, Sealed, screened
from clinical_api.screen import Found, screen
from clinical_api.settings import Settings
from clinical_api.versions import Act, Before, Change, Written
from moiety.change_control import statements
from moiety.change_control.codes import ChangeType
from moiety.kit.commits import Commit, Step
from moiety.kit.errors import Conflict, NotFound, VersionConflict
from moiety.kit.reads import Reads
from moiety.openehr import rm
from moiety.openehr.canonical import encode
from moiety.openehr.validate import validate_model


class Taken(Conflict):
    """The EHR has a directory already, or its uid is taken."""

    def __init__(self, object_id: UUID) -> None:
        super().__init__()
        self.object_id = object_id


@dataclass(frozen=True, slots=True)
class Prepared:
    """A valid folder tree, and what the screen recorded of it."""

    folder: rm.Folder
    found: tuple[Found, ...]
    sealed: Sealed | None = None


def prepare(folder: rm.Folder, settings: Settings) -> Prepared:
    """Check and screen a directory.  Raises Malformed or Unprocessable."""
    versions.refuse("FOLDER", validate_model(folder))
    return Prepared(folder, tuple(screen(encode(folder), settings)))


def screen_own(own: OwnWords | None, ehr_id: UUID, prepared: Prepared) -> Prepared:
    """The directory without its subject's own words, as the policy says.  Raises Unavailable."""
    folder, found, sealed = screened(
        own, ehr_id, prepared.folder, rm.Folder, lambda one: not validate_model(one)
    )
    return Prepared(folder, (*prepared.found, *found), sealed)


def create(ehr_id: UUID, prepared: Prepared, settings: Settings, *, audit: Audit) -> Commit:
    """The commit of a directory's first version.  It raises Conflict where there is one."""
    act = Act(ehr_id)
    return versions.commit(act, creation(act, prepared, settings, audit=audit), audit)


def update(
    ehr_id: UUID, before: Before, prepared: Prepared, settings: Settings, *, audit: Audit
) -> Commit:
    """The commit of the version after `before`.  It raises VersionConflict if it came too late."""
    act = Act(ehr_id)
    return versions.commit(act, succession(act, before, prepared, settings, audit=audit), audit)


def delete(ehr_id: UUID, before: Before, settings: Settings, *, audit: Audit) -> Commit:
    """The commit of a logical deletion.  It raises VersionConflict if another was faster."""
    act = Act(ehr_id)
    return versions.commit(act, deletion(act, before, settings, audit=audit), audit)


def creation(act: Act, prepared: Prepared, settings: Settings, *, audit: Audit) -> Change:
    """The first version of a directory, as a change of `act`."""
    given = versions.given_object_id(prepared.folder.uid)
    object_id = given or uuid4()
    written, parameters, children = versions.untyped(
        act, prepared.folder, Before(object_id, 0), prepared.found, settings,
        change=ChangeType.CREATION, audit=audit, sealed=prepared.sealed,
    )  # fmt: skip
    statement = statements.create(
        tables.folder, tables.OWNER, children, client_id=given is not None, alone=act.alone
    )
    return Change(Step(statement, parameters), written, lambda: Taken(object_id))


def succession(
    act: Act, before: Before, prepared: Prepared, settings: Settings, *, audit: Audit
) -> Change:
    """The version after `before`, as a change of `act`."""
    return _next(act, before, prepared, settings, change=ChangeType.MODIFICATION, audit=audit)


def restoration(
    act: Act, before: Before, prepared: Prepared, settings: Settings, *, audit: Audit
) -> Change:
    """The version after a deletion, which `before` is, as a change of `act`."""
    return _next(act, before, prepared, settings, change=ChangeType.RESTORATION, audit=audit)


def deletion(act: Act, before: Before, settings: Settings, *, audit: Audit) -> Change:
    """The logical deletion of `before`, as a change of `act`."""
    version = before.version + 1
    parameters = versions.parameters(
        act, audit, object_id=before.object_id, version=version, change=ChangeType.DELETED,
        document=None,
    )  # fmt: skip
    statement = statements.delete(tables.folder, tables.OWNER, (), alone=act.alone)
    uid = versions.version_uid(before.object_id, settings, version)
    step = Step(statement, parameters | {"expected": before.version})
    return Change(step, Written(uid, before.object_id, version, None), VersionConflict)


def at_path(folder: rm.Folder, path: str) -> rm.Folder:
    """The folder below `folder` that a path of names leads to.  Raises NotFound.

    The path may name `folder` itself first.  A name may hold slashes: every way is tried.
    """
    wanted = path.strip("/")
    own = _name(folder)
    found = folder if wanted in {"", own} else _below(folder, wanted)
    if found is None and wanted.startswith(f"{own}/"):
        found = _below(folder, wanted.removeprefix(f"{own}/"))
    if found is None:
        raise NotFound("There is no folder of this path in the directory.")
    return found


async def why_not_new(reads: Reads, ehr_id: UUID, object_id: UUID) -> Conflict:
    """Which of the two reasons kept a directory from being made."""
    rows = await reads.ask(b"SELECT 1 FROM folder WHERE ehr_id = $1", (ehr_id,))
    if rows:
        return Conflict("The EHR has a directory already: change it, or delete it first.")
    return Conflict(f"FOLDER with uid {object_id} already exist.")


def _below(folder: rm.Folder, wanted: str) -> rm.Folder | None:
    for child in folder.folders or ():
        name = _name(child)
        if wanted == name:
            return child
        if wanted.startswith(f"{name}/"):
            found = _below(child, wanted.removeprefix(f"{name}/"))
            if found is not None:
                return found
    return None


def _name(folder: rm.Folder) -> str:
    return (folder.name.value if folder.name else None) or ""


def _next(
    act: Act,
    before: Before,
    prepared: Prepared,
    settings: Settings,
    *,
    change: ChangeType,
    audit: Audit,
) -> Change:
    versions.demand_own_uid(
        prepared.folder.uid, before.object_id, before.version, settings.system_id
    )
    written, parameters, children = versions.untyped(
        act, prepared.folder, before, prepared.found, settings, change=change, audit=audit,
        sealed=prepared.sealed,
    )  # fmt: skip
    if change is ChangeType.RESTORATION:
        statement = statements.restore(tables.folder, tables.OWNER, children, alone=act.alone)
    else:
        statement = statements.update(tables.folder, tables.OWNER, children, (), alone=act.alone)
    step = Step(statement, parameters | {"expected": before.version})
    return Change(step, written, VersionConflict)
