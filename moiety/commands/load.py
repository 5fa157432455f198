"""`moiety load`: templates and compositions, committed through the REST API as any client would."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    file: str
    kind: str
    accepted: bool
    why: str


def load(
    clinical: httpx.Client, templates: Path | None, compositions: Path | None, *, ehrs: int
) -> list[Outcome]:
    """Upload every *.opt, then commit every *.json, spread over `ehrs` new EHRs."""
    outcomes: list[Outcome] = []
    with Progress(console=Console(stderr=True)) as progress:
        if templates:
            files = sorted(templates.rglob("*.opt"))
            steps = progress.track(files, description="templates   ")
            outcomes += [_upload(clinical, templates, file) for file in steps]
        if compositions:
            files = sorted(compositions.rglob("*.json"))
            owners = [_open_ehr(clinical) for _ in range(max(1, ehrs))]
            with ThreadPoolExecutor(8) as pool:
                jobs = zip(files, cycle(owners), strict=False)
                done = pool.map(lambda job: _commit(clinical, compositions, *job), jobs)
                outcomes += progress.track(done, total=len(files), description="compositions")
    return outcomes


def show(console: Console, outcomes: list[Outcome]) -> None:
    """A table of every file, then the counts."""
    table = Table("file", "kind", "outcome", "why")
    table.columns[0].overflow = table.columns[3].overflow = "fold"
    for outcome in outcomes:
        word = "[green]accepted[/green]" if outcome.accepted else "[red]refused[/red]"
        # Paths have square brackets, which the table would take for its own markup.
        table.add_row(escape(outcome.file), outcome.kind, word, escape(outcome.why))
    console.print(table)
    for kind in ("template", "composition"):
        of_kind = [o for o in outcomes if o.kind == kind]
        accepted = sum(o.accepted for o in of_kind)
        console.print(f"{kind}s: {accepted} accepted, {len(of_kind) - accepted} refused")


def _upload(clinical: httpx.Client, root: Path, file: Path) -> Outcome:
    answer = clinical.post(
        "/openehr/v1/definition/template/adl1.4",
        content=file.read_bytes(),
        headers={"Content-Type": "application/xml"},
    )
    return _outcome(answer, root, file, "template")


def _open_ehr(clinical: httpx.Client) -> str:
    answer = clinical.post("/openehr/v1/ehr")
    answer.raise_for_status()
    return answer.headers["ETag"].strip('"')


def _commit(clinical: httpx.Client, root: Path, file: Path, ehr_id: str) -> Outcome:
    answer = clinical.post(
        f"/openehr/v1/ehr/{ehr_id}/composition",
        content=file.read_bytes(),
        headers={"Content-Type": "application/json"},
    )
    return _outcome(answer, root, file, "composition")


def _outcome(answer: httpx.Response, root: Path, file: Path, kind: str) -> Outcome:
    name = str(file.relative_to(root))
    if answer.is_success:
        return Outcome(name, kind, accepted=True, why="")
    return Outcome(name, kind, accepted=False, why="; ".join(_reasons(answer)))


def _reasons(answer: httpx.Response) -> Iterator[str]:
    try:
        body = answer.json()
    except ValueError:
        yield f"{answer.status_code}"
        return
    yield f"{answer.status_code} {body.get('message', '')}"
    findings = body.get("validationErrors", [])
    for finding in findings[:3]:
        yield f"{finding.get('path')}: {finding.get('rule')} (wanted {finding.get('expected')})"
    if len(findings) > 3:
        yield f"and {len(findings) - 3} more"
