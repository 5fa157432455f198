"""`moiety load --bulk` and `moiety export`: whole records through the bulk interface.

A file goes out in pieces of whole lines, each answered before the next is sent, so what is told
as stored is stored, and a load that was broken off goes on at a line.  Neither command holds more
than a piece.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

_PIECE = 4 * 1024 * 1024
_LINES = {"Content-Type": "application/x-ndjson"}
_COUNTED = (
    "lines",
    "ehrs",
    "contributions",
    "versions",
    "templates",
    "queries",
    "tags",
    "present",
    "refused",
)
_TOLD = 20


class BulkError(RuntimeError):
    """It did not go on; the sentence says why and what to do."""


@dataclass
class Loaded:
    """What became of a file.  `through`: the last line that is dealt with for good."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))
    refusals: list[dict[str, Any]] = field(default_factory=list)
    through: int = 0
    stopped: int | None = None


def load(client: httpx.Client, file: Path, *, first_line: int, skip: bool) -> Loaded:
    """Send a file of lines.  Raises BulkError where the service refuses a piece as a whole."""
    loaded = Loaded(through=first_line - 1)
    with file.open("rb") as source, _progress() as progress:
        task = progress.add_task(file.name, total=file.stat().st_size)
        for _ in range(first_line - 1):
            progress.advance(task, len(source.readline()))
        number = first_line
        while lines := list(_piece(source)):
            _take(loaded, _sent(client, lines, number, skip=skip))
            progress.advance(task, sum(map(len, lines)))
            number += len(lines)
            if loaded.stopped is not None:
                break
            loaded.through = number - 1
    return loaded


def show(console: Console, loaded: Loaded) -> None:
    """The refused lines by number and reason, then the counts."""
    for one in loaded.refusals[:_TOLD]:
        places = "; ".join(
            f"{finding.get('path')}: {finding.get('rule')}" for finding in one["findings"][:3]
        )
        told = f"line {one['line']}: {one['code']}: {one['message']} {places}"
        console.print(told, markup=False)
    if len(loaded.refusals) > _TOLD:
        console.print(f"and {len(loaded.refusals) - _TOLD} more lines")
    counts = loaded.counts
    console.print(
        f"{counts['lines']} lines: {counts['ehrs']} new EHRs, {counts['contributions']}"
        f" contributions with {counts['versions']} versions, {counts['templates']} templates,"
        f" {counts['queries']} stored queries, {counts['tags']} tags;"
        f" {counts['present']} were there, {counts['refused']} refused"
    )
    if loaded.stopped is not None:
        console.print(f"Stopped: correct line {loaded.stopped}, then --from-line {loaded.stopped}")


def export(client: httpx.Client, file: Path, *, ehr_id: str | None, resume: bool) -> int:
    """Write the repository, or one EHR, as lines; how many EHRs came.  Raises BulkError.

    `resume`: keep the EHRs that are whole in the file, and go on after the last of them.
    """
    parameters = {"ehr_id": ehr_id} if ehr_id else {}
    if resume and (last := _whole(file)):
        parameters["after"] = last
    ehrs, before, ended = 0, "", ehr_id is not None
    with file.open("ab" if "after" in parameters else "wb") as target, _progress() as progress:
        task = progress.add_task(file.name, total=None)
        with client.stream("GET", "/bulk/export", params=parameters, timeout=None) as answer:
            if not answer.is_success:
                answer.read()
                raise BulkError(_said(answer))
            try:
                for line in _lines(answer):
                    target.write(line)
                    progress.advance(task, len(line))
                    owner = _owner(line)
                    ehrs += bool(owner) and owner != before
                    before, ended = owner or before, ended or line.startswith(b'{"end"')
            except httpx.TransportError:
                ended = False
    if not ended:
        raise BulkError(f"The stream broke off after {ehrs} EHRs: go on with --resume.")
    return ehrs


def extract(client: httpx.Client, file: Path, ehr_id: str) -> None:
    """Write one EHR as an EXTRACT in canonical JSON.  Raises BulkError."""
    answer = client.get(f"/bulk/extract/{ehr_id}", timeout=None)
    if not answer.is_success:
        raise BulkError(_said(answer))
    file.write_bytes(answer.content)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=Console(stderr=True),
    )  # fmt: skip


def _piece(source: BinaryIO) -> Iterator[bytes]:
    size = 0
    while size < _PIECE and (line := source.readline()):
        size += len(line)
        yield line


def _sent(client: httpx.Client, lines: list[bytes], number: int, *, skip: bool) -> dict[str, Any]:
    parameters: dict[str, str] = {"first_line": str(number), "on_error": "skip" if skip else "stop"}
    try:
        answer = client.post(
            "/bulk/import", content=b"".join(lines), params=parameters, headers=_LINES, timeout=600
        )
    except httpx.TransportError:
        raise BulkError(f"The service went away: go on with --from-line {number}.") from None
    told: dict[str, Any] = answer.json() if answer.content else {}
    if answer.is_success:
        return told
    if "report" in told:
        stopped: dict[str, Any] = told["report"]
        return stopped
    raise BulkError(f"{_said(answer)} Go on with --from-line {number}.")


def _take(loaded: Loaded, report: dict[str, Any]) -> None:
    for name in _COUNTED:
        loaded.counts[name] += report[name]
    loaded.refusals += report["refusals"]
    loaded.stopped = report["stopped"]


def _said(answer: httpx.Response) -> str:
    try:
        return f"{answer.status_code}: {answer.json()['message']}"
    except (ValueError, KeyError):
        return f"{answer.status_code}."


def _lines(answer: httpx.Response) -> Iterator[bytes]:
    """Whole lines; a broken one at the end is left out."""
    rest = b""
    for some in answer.iter_bytes():
        *lines, rest = (rest + some).split(b"\n")
        yield from (line + b"\n" for line in lines)


def _owner(line: bytes) -> str:
    """The EHR of a line, which names it first."""
    if not line.startswith(b'{"ehr_id":"'):
        return ""
    return line[11:47].decode("ascii", "replace")


def _whole(file: Path) -> str:
    """Cut a file after its last EHR that is surely whole; that EHR's id, or "" where there is none.

    The last EHR in it may lack lines, so it is taken again.
    """
    if not file.exists():
        return ""
    owners, begun = [""], [0]
    with file.open("rb+") as source:
        for line in iter(source.readline, b""):
            owner = _owner(line)
            if owner and owner != owners[-1]:
                owners, begun = [*owners[-1:], owner], [*begun[-1:], source.tell() - len(line)]
            elif line.startswith(b'{"end"') and line.endswith(b"\n"):
                raise BulkError(f"{file} is whole already.")
        source.truncate(begun[-1])
    return owners[-2] if len(owners) > 1 else ""
