"""FHIR R4 REST on Patient: create, read, vread, update, search."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from demographic_api import merging, persons, searching
from demographic_api.fhir import decode_patient, decode_target
from demographic_api.routes.formats import (
    check_formats,
    read_form,
    read_id,
    read_preceding,
    render,
    render_version,
)
from demographic_api.searching import Found
from moiety.kit import accesses
from moiety.kit.auth import Reader, Require, Writer
from moiety.kit.bodies import Body
from moiety.kit.errors import Malformed
from moiety.wire.demographic import BASE

Number = Annotated[int, Path(ge=1, lt=1 << 31)]
READ = Depends(Require("person:read"))
WRITE = Depends(Require("person:write"))
# Format first: a client that cannot read our answer should not have changed anything.
router = APIRouter(prefix="/Patient", tags=["fhir"], dependencies=[Depends(check_formats)])


@router.post("", dependencies=[WRITE])
def create(request: Request, connection: Writer, body: Body) -> Response:
    """Register a person: 201 with `Location` and `ETag`."""
    version = persons.register(connection, decode_patient(body))
    return render_version(version, status=201, location=_collection(request))


@router.get("", dependencies=[READ])
def search(request: Request, connection: Reader) -> Response:
    """Find persons; prefer `POST _search`, since what stands in a URL ends up in logs."""
    return _search(request, connection, list(request.query_params.multi_items()))


@router.post("/_search", dependencies=[READ])
def search_by_form(request: Request, connection: Reader, body: Body) -> Response:
    """Find persons, the parameters in the body."""
    return _search(request, connection, read_form(body))


@router.get("/{person_id}", dependencies=[READ])
def read(connection: Reader, person_id: str) -> Response:
    """The latest version of a person."""
    return render_version(persons.read(connection, read_id(person_id)))


@router.get("/{person_id}/_history/{number}", dependencies=[READ])
def read_version(connection: Reader, person_id: str, number: Number) -> Response:
    """One version of a person."""
    return render_version(persons.read_version(connection, read_id(person_id), number))


@router.put("/{person_id}", dependencies=[WRITE])
def update(request: Request, connection: Writer, person_id: str, body: Body) -> Response:
    """Replace the version that `If-Match` names; a person is never made by update."""
    patient = decode_patient(body)
    if patient.id != person_id:
        raise Malformed(
            "The id in the resource is not the one in the URL.",
            findings=[{"path": "Patient.id", "rule": "the id in the URL"}],
        )
    preceding = read_preceding(request)
    version = persons.update(connection, read_id(person_id), patient, preceding=preceding)
    return render_version(version)


@router.post("/{person_id}/$merge", dependencies=[WRITE])
def merge(connection: Writer, person_id: str, body: Body) -> Response:
    """Let this person live on in the target: 200 with its inactive version."""
    return render_version(merging.merge(connection, read_id(person_id), decode_target(body)))


@router.post("/{person_id}/$unmerge", dependencies=[WRITE])
def unmerge(connection: Writer, person_id: str, body: Body) -> Response:
    """Take that back: 200 with a version that is the one from before."""
    return render_version(merging.unmerge(connection, read_id(person_id), decode_target(body)))


def _search(request: Request, connection: Reader, parameters: list[tuple[str, str]]) -> Response:
    found = searching.search(connection, searching.parse(parameters))
    accesses.note(request, [version.person_id for version in found.persons])
    return render(_bundle(found, _collection(request)))


def _bundle(found: Found, collection: str) -> dict[str, Any]:
    entries: list[dict[str, Any]] = [
        {
            "fullUrl": f"{collection}/{version.person_id}",
            "resource": version.resource(),
            "search": {"mode": "match"},
        }
        for version in found.persons
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if found.has_more:
        entries.append({"resource": _narrower(), "search": {"mode": "outcome"}})
    else:
        bundle["total"] = len(found.persons)
    return bundle | ({"entry": entries} if entries else {})


def _narrower() -> dict[str, Any]:
    message = "More persons match than are shown: narrow the search."
    issue = {"severity": "warning", "code": "too-costly", "diagnostics": message}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _collection(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}{BASE}/Patient"
