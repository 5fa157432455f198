"""Bulk: whole records in and out."""

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Literal
from uuid import UUID

import msgspec
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from clinical_api import audits, formats
from clinical_api.bulk import exporting, extracts
from clinical_api.bulk.importing import BATCH_LINES, BATCH_OCTETS, Importer, Report
from clinical_api.deps import Body, Here, MayExport, MayImport, Organisation, uuid_or_not_found
from clinical_api.routes.negotiation import answer_form, body_form
from moiety.kit import accesses, problems
from moiety.kit.credentials import Caller
from moiety.kit.errors import TooLarge, Unprocessable

router = APIRouter(prefix="/bulk", tags=["BULK"])
LINES = "application/x-ndjson"
STREAMED = frozenset({"/bulk/import"})
"""Paths that take bodies of any length."""
OnError = Literal["stop", "skip"]


@router.post("/import", operation_id="bulk_import")
async def load(
    request: Request, caller: MayImport, here: Here, on_error: OnError = "stop", first_line: int = 1
) -> Response:
    """Store lines of JSON, a batch at a time; the answer says what became of them.

    422 where a refused line stopped it.  `first_line`: the number of the first line that is sent.
    """
    importer = _importer(request, caller, here, on_error)
    importer.report.through = first_line - 1
    async for batch in _batches(request, first_line, here.settings.body_limit):
        await run_sync(importer.feed, batch)
        if importer.report.stopped is not None:
            break
    if importer.report.tags:
        here.tagged.note()
    return _reported(importer.report)


@router.get("/export", operation_id="bulk_export")
def export(
    request: Request, _caller: MayExport, here: Here, ehr_id: UUID | None = None,
    after: UUID | None = None, templates: bool | None = None,
) -> Response:  # fmt: skip
    """The repository as lines, or one EHR; `after` an EHR goes on where a stream was broken off.

    Templates come first, where the whole is asked for.
    """
    system_id = here.settings.system_id
    if ehr_id is not None:
        exporting.demand(here.snapshots, ehr_id)
        lines = exporting.ehr_lines(here.snapshots, ehr_id, system_id)
    else:
        accesses.note(request, [accesses.EVERY])
        wanted = after is None if templates is None else templates
        lines = exporting.every_line(here.snapshots, system_id, after=after, templates=wanted)
    return StreamingResponse(lines, media_type=LINES, headers={"Cache-Control": "no-store"})


@router.get("/extract/{ehr_id}", operation_id="bulk_extract_get")
async def get_extract(request: Request, ehr_id: str, _caller: MayExport, here: Here) -> Response:
    """One EHR as an EXTRACT."""
    form = answer_form(request)
    owner = uuid_or_not_found(ehr_id, "EHR")

    def text() -> bytes:
        made = extracts.extract(here.snapshots, owner, here.settings.system_id)
        return formats.encode(made, form)

    return Response(await run_sync(text), media_type=form.value)


@router.post("/extract", operation_id="bulk_extract_load")
async def load_extract(
    request: Request, body: Body, caller: MayImport, here: Here, on_error: OnError = "stop"
) -> Response:
    """Take in the EHRs of an EXTRACT; a line of the answer is one of its contributions."""
    form = body_form(request)
    importer = _importer(request, caller, here, on_error)

    def work() -> None:
        lines = list(enumerate(extracts.lines_of(body, form), 1))
        for start in range(0, len(lines), BATCH_LINES):
            importer.feed(lines[start : start + BATCH_LINES])

    await run_sync(work)
    return _reported(importer.report)


def _importer(request: Request, caller: Caller, here: Organisation, on_error: str) -> Importer:
    door = f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"
    audit = audits.of_key(caller.key_id, here.settings.system_id, door)
    return Importer(
        here.engine, here.registry, here.settings, audit, on_error == "skip", Report(),
        here.value_sets,
    )  # fmt: skip


async def _batches(
    request: Request, first: int, longest: int
) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
    """Numbered lines, as many as are worth a transaction.  Raises TooLarge for an endless line."""
    rest, batch, size, number = b"", [], 0, first
    async for some in request.stream():
        *lines, rest = (rest + some).split(b"\n")
        if len(rest) > longest:
            raise TooLarge(f"Line {number + len(lines)} is over the limit of {longest} octets.")
        for line in lines:
            if line.strip():
                batch.append((number, line))
                size += len(line)
            number += 1
            if len(batch) >= BATCH_LINES or size >= BATCH_OCTETS:
                yield batch
                batch, size = [], 0
    if rest.strip():
        batch.append((number, rest))
    if batch:
        yield batch


def _reported(report: Report) -> Response:
    if report.stopped is None:
        return Response(msgspec.json.encode(report), media_type="application/json")
    first = report.refusals[0]
    error = Unprocessable(
        f"Line {report.stopped} was refused: {first.message} What stands before it is stored.",
        findings=[{"line": first.line, **one} for one in first.findings],
    )
    told = {**problems.body(error), "report": report}
    return Response(
        msgspec.json.encode(told), HTTPStatus.UNPROCESSABLE_ENTITY, media_type="application/json"
    )
