"""The main job, told through the public interfaces of the three services.

Each step does what its walk's users would do, checks what it is told, and says it in a line.  A
check that fails stops the story with exit code 1.
"""

import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from moiety import embedded
from moiety.commands import desk, issue, trail
from moiety.commands.demo import people, records, theft
from moiety.commands.demo.actors import Cast, Untrue, demand
from moiety.commands.demo.people import Person
from moiety.commands.desk import Desk
from moiety.commands.occasion import trail_public_key
from moiety.kit.errors import Forbidden, ServiceError, Unavailable
from moiety.wire import crossing, demographic, vault
from moiety.wire import trail as wire_trail
from moiety.wire.crossing import AskApproval
from moiety.wire.exchange import call, connect

T = TypeVar("T")
_SEED = 20261121
_CLIENTS = 8
_TEMPLATES = "/openehr/v1/definition/template/adl1.4"
_PRESSURE = (
    "SELECT COUNT(o/data[at0001]/events[at0002]/data[at0003]/items[at0004]/value/magnitude)"
    " AS readings, AVG(o/data[at0001]/events[at0002]/data[at0003]/items[at0004]/value/magnitude)"
    " AS systolic, AVG(o/data[at0001]/events[at0002]/data[at0003]/items[at0005]/value/magnitude)"
    " AS diastolic FROM EHR e CONTAINS COMPOSITION c"
    " CONTAINS OBSERVATION o[openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1]"
)
_RECORD = (
    "SELECT c/uid/value AS uid, c/name/value AS name, c/context/start_time/value AS start"
    " FROM EHR e CONTAINS COMPOSITION c WHERE e/ehr_id/value = $ehr_id"
    " ORDER BY c/context/start_time/value DESC LIMIT 5"
)


def tell(console: Console, *, persons: int, compositions: int, keep: bool) -> None:
    """Run the story in a fresh home.  Raises typer.Exit(1) when a step does not come true."""
    started = time.monotonic()
    home = embedded.default_state() / "demo"
    _clear(home)
    pool = {"vault": {"POOL_TARGET": str(persons + 20), "POOL_INTERVAL": "0.2"}}
    console.rule("[bold]Moiety: records that never know whose they are")
    try:
        with ExitStack() as stack:
            running = _start(console, stack, home, pool)
            cast = _cast(stack, running)
            _steps(console, running, cast, people.register(persons, _SEED), compositions)
    except Untrue as untrue:
        console.print(f"[red]✗ {untrue}[/red]")
        raise typer.Exit(1) from None
    except ServiceError as error:
        console.print(f"[red]✗ A service refused: {error.code}: {error.message}[/red]")
        raise typer.Exit(1) from None
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
    console.rule(f"[bold]Everything came true in {time.monotonic() - started:.1f} s")
    if keep:
        console.print(f"The demo's state is in {home}.")


def _steps(
    console: Console, running: Desk, cast: Cast, crowd: Sequence[Person], compositions: int
) -> None:
    _upload_templates(console, cast)
    registered = _register(console, cast, crowd)
    _commit(console, cast, compositions)
    _care(console, cast, crowd[0], registered[0])
    _letter(console, cast, crowd[0], registered[0])
    _research(console, cast)
    _reidentify(console, running, cast)
    theft.steal_clinical(console, running, cast, crowd)
    theft.compare_halves(console, running, cast)


# --- the steps -------------------------------------------------------------------------------


def _start(
    console: Console, stack: ExitStack, home: Path, overrides: dict[str, dict[str, str]]
) -> Desk:
    with console.status("Starting PostgreSQL and three services …"):
        running = stack.enter_context(desk.running(home, desk.free_port_base(), overrides))
    console.print(
        "[green]✓[/green] Three services, each with a database, roles and keys of its own"
    )
    return running


def _upload_templates(console: Console, cast: Cast) -> None:
    files = sorted((Path(__file__).parent / "templates").glob("*.opt"))
    for file in files:
        answer = cast.app.post(
            _TEMPLATES, content=file.read_bytes(), headers={"Content-Type": "application/xml"}
        )
        demand(answer.status_code == httpx.codes.CREATED, f"{file.name} was refused")
    console.print(f"[green]✓[/green] The integration engineer uploads {len(files)} templates")


def _register(console: Console, cast: Cast, crowd: Sequence[Person]) -> list[UUID]:
    """Register everybody and open an EHR for each; the vault takes it from its pool."""

    def register(person: Person) -> UUID:
        created = demographic.create_patient(cast.registrar, person.patient())
        cast.links[created.person_id] = _when_filled(cast.registrar_at_vault, created.person_id)
        return created.person_id

    found = list(_together("Registering", register, crowd))
    demand(len(set(cast.links.values())) == len(crowd), "two persons share an EHR")
    console.print(
        f"[green]✓[/green] The registrar registers {len(crowd)} persons (NHS numbers of the 999 "
        "test range); the vault opens an EHR for each from its pre-minted pool"
    )
    return found


def _when_filled(client: httpx.Client, person_id: UUID) -> UUID:
    """Link, waiting while the pool is being filled."""
    until = time.monotonic() + 30
    while True:
        try:
            return vault.link(client, person_id)
        except Unavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _commit(console: Console, cast: Cast, count: int) -> None:
    """The clinical apps know EHR ids alone."""
    written = records.write(count, _SEED, datetime.now(UTC))
    jobs = list(zip(written, cycle(cast.links.values()), strict=False))

    def commit(job: tuple[bytes, UUID]) -> None:
        document, ehr_id = job
        answer = cast.app.post(f"/openehr/v1/ehr/{ehr_id}/composition", content=document)
        demand(answer.status_code == httpx.codes.CREATED, "a document was refused")

    started = time.monotonic()
    list(_together("Committing", commit, jobs))
    rate = count / (time.monotonic() - started)
    console.print(
        f"[green]✓[/green] Clinical apps commit {count} documents by EHR id ({rate:.0f} a second): "
        "vital signs, laboratory results, diagnoses, discharge letters"
    )


def _care(console: Console, cast: Cast, person: Person, person_id: UUID) -> None:
    """A clinician finds the person, crosses to the record for care, and reads it."""
    name, day = person.family, person.birth_date.isoformat()
    found = demographic.search_patients(cast.clinician, name=name, birthdate=day)
    demand(str(person_id) in {one["id"] for one in found}, "the clinician does not find the person")
    ehr_id = vault.resolve_person(cast.clinician_at_vault, person_id, purpose_of_use="TREAT")
    demand(ehr_id == cast.links[person_id], "the vault answers another EHR")
    rows = _query(cast.app, _RECORD, ehr_id=str(ehr_id))
    document = cast.app.get(f"/openehr/v1/ehr/{ehr_id}/composition/{rows[0][0]}")
    demand(document.is_success, "the document can't be read")
    console.print(
        "[green]✓[/green] A clinician finds a person by name and birth date, crosses to the EHR "
        f"for treatment and reads the latest {len(rows)} documents, the newest “{rows[0][1]}”"
    )


def _letter(console: Console, cast: Cast, person: Person, person_id: UUID) -> None:
    """A letter full of its patient's details: sealed as stored, whole for who cares."""
    document = records.letter_about(person, random.Random(_SEED), datetime.now(UTC))  # noqa: S311  fiction
    place = f"/openehr/v1/ehr/{cast.links[person_id]}/composition"
    created = cast.app.post(place, content=document)
    demand(created.status_code == httpx.codes.CREATED, "the letter was refused")
    uid = created.headers["ETag"].strip('"')
    plain = cast.app.get(f"{place}/{uid}")
    credential = cast.clinician_at_vault.headers["Authorization"]
    behalf = {"Moiety-User": credential, "Moiety-Purpose-Of-Use": "TREAT"}
    whole = cast.app.get(f"{place}/{uid}", headers=behalf)
    told = [word for word in person.tell_tales() if word in plain.text]
    demand(plain.is_success and whole.is_success, "the letter can't be read")
    demand(not told and "[NAME]" in plain.text, "the letter is stored with its patient's details")
    demand(person.family in whole.text, "the clinician does not get the letter whole")
    console.print(
        "[green]✓[/green] An app writes a letter full of its patient's details: they are sealed "
        f"({plain.text.count('[NAME]')} names become “[NAME]”); the clinician reads it whole"
    )


def _research(console: Console, cast: Cast) -> None:
    """A researcher's key asks for averages, and is refused everything that names anybody."""
    ((readings, systolic, diastolic),) = _query(cast.researcher, _PRESSURE)
    some_person, some_ehr = next(iter(cast.links.items()))
    refusals: tuple[tuple[str, Callable[[], object]], ...] = (
        ("reading a document", lambda: _get(cast.researcher, f"/openehr/v1/ehr/{some_ehr}")),
        (
            "crossing to an EHR",
            lambda: vault.resolve_person(
                cast.researcher_at_vault, some_person, purpose_of_use="HRESCH"
            ),
        ),
        (
            "crossing to a person",
            lambda: vault.resolve_ehr(
                cast.researcher_at_vault, some_ehr, purpose_of_use="HRESCH",
                reason="curious about one patient",
            ),
        ),
    )  # fmt: skip
    for what, attempt in refusals:
        demand(_is_refused(attempt), f"the researcher was not refused {what}")
    console.print(
        f"[green]✓[/green] A researcher averages {readings} blood pressures "
        f"({systolic:.0f}/{diastolic:.0f} mmHg) and is refused {len(refusals)} ways to an identity"
    )


def _reidentify(console: Console, running: Desk, cast: Cast) -> None:
    """An officer asks whose one record is, a second person approves, the vault answers once."""
    person_id, ehr_id = list(cast.links.items())[-1]
    why = "Critical result, patient not reached"
    request = AskApproval("resolve_ehr", [ehr_id], "PATSFTY", "vital_interests", why)
    asked = crossing.ask_approval(cast.officer, request)

    def name() -> UUID:
        return vault.resolve_ehr(
            cast.officer, ehr_id, purpose_of_use="PATSFTY", reason=why,
            legal_basis="vital_interests", approval_id=asked.approval_id,
        )  # fmt: skip

    demand(_is_refused(name), "the vault answers without an approval")
    (shown,) = crossing.read_approvals(cast.approver)
    demand(str(ehr_id) not in str(shown), "the approver is shown the record's id")
    crossing.decide(cast.approver, shown.approval_id, shown.request_hash, approve=True)
    demand(name() == person_id, "the vault answers another person")
    demand(_is_refused(name), "the vault answers twice for one approval")
    demographic.read_patient(cast.officer_at_persons, person_id)
    entries = wire_trail.search_trail(cast.auditor, wire_trail.TrailSearch(ehr_id=ehr_id))
    crossed = [entry for entry in entries if entry.purpose_of_use == "PATSFTY"]
    demand(
        [entry.outcome for entry in crossed] == ["refused", "allowed", "refused"],
        "the trail does not show the crossing",
    )
    key = trail_public_key(running.home)
    report = trail.verify(running.database("vault"), key, None)
    demand(report.fault is None, "the trail is not whole")
    console.print(
        "[green]✓[/green] A linkage officer asks whose one EHR is, for patient safety; an approver "
        "who sees why and not whom allows it, and the vault answers once; the auditor sees who and "
        f"why; the trail of {report.size} entries is whole"
    )


# --- parts -----------------------------------------------------------------------------------


def _cast(stack: ExitStack, running: Desk) -> Cast:
    def actor(service: str, label: str, *scopes: str, roles: tuple[str, ...] = ()) -> httpx.Client:
        url = running.database(service, "migrator")
        user_id = issue.user(url, label, frozenset(roles)) if roles else None
        token = issue.key(
            url, service, desk.ORGANISATION, label=label, scopes=frozenset(scopes),
            life=timedelta(days=1), user_id=user_id,
        )  # fmt: skip
        return stack.enter_context(connect(running.url(service), str(token), timeout=60))

    care = issue.SCOPES["clinical"] - {"ehr:create", "admin:delete", "access:read"}
    use = "vault:use"
    return Cast(
        app=actor("clinical", "clinical app", *care),
        researcher=actor("clinical", "researcher", "query:read"),
        registrar=actor("demographic", "registrar", "person:read", "person:write"),
        registrar_at_vault=actor("vault", "R. Registrar", use, roles=("registrar",)),
        clinician=actor("demographic", "clinician", "person:read"),
        clinician_at_vault=actor("vault", "C. Clinician", use, roles=("clinician",)),
        officer=actor("vault", "O. Officer", use, roles=("linkage_officer",)),
        approver=actor("vault", "A. Approver", use, roles=("approver",)),
        officer_at_persons=actor("demographic", "linkage officer", "person:read"),
        auditor=actor("vault", "A. Auditor", use, roles=("auditor",)),
        researcher_at_vault=actor("vault", "R. Researcher", use, roles=("researcher",)),
    )


def _together(title: str, work: Callable[[Any], T], items: Sequence[Any]) -> Iterator[T]:
    """Do `work` on every item, eight at a time, with a progress bar."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        transient=True,
    )  # fmt: skip
    with bar, ThreadPoolExecutor(_CLIENTS) as pool:
        yield from bar.track(pool.map(work, items), total=len(items), description=title)


def _query(client: httpx.Client, text: str, **parameters: str) -> list[list[Any]]:
    answer = call(
        client, "POST", "/openehr/v1/query/aql", json={"q": text, "query_parameters": parameters}
    )
    rows: list[list[Any]] = answer.json()["rows"]
    return rows


def _get(client: httpx.Client, path: str) -> httpx.Response:
    return call(client, "GET", path)


def _is_refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except Forbidden:
        return True
    return False


def _clear(home: Path) -> None:
    if (home / "prepared").exists():
        with embedded.running(home):
            pass  # ends a server that an interrupted demo left behind
    shutil.rmtree(home, ignore_errors=True)
