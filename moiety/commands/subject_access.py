"""What a person is told of everything (UK GDPR, article 15), as one file.

Gathered by an officer with the officer's own rights: the vault says who the person is at the other
services, who looked, and which projects there are; identity comes from the demographic service and
the records from the clinical one.  No service holds the whole; the file does, and belongs to the
person.
"""

import hashlib
import html
import io
import json
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec

from moiety.kit.errors import NotFound
from moiety.kit.private_files import read_private
from moiety.wire import demographic, subject
from moiety.wire.exchange import call, connect
from moiety.wire.subject import GatherSubjectAccess, ReportEntry, SubjectAccess

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #999;padding:.3em .5em;"
    "text-align:left;vertical-align:top}pre{white-space:pre-wrap;background:#f4f4f4;padding:1em}"
)


def collect(
    vault: httpx.Client,
    clinical: httpx.Client,
    registry: httpx.Client,
    message: GatherSubjectAccess,
) -> bytes:
    """The ZIP file for a person.

    Raises Forbidden without the approval or a right at one of the services, and Unavailable.
    """
    found = subject.gather(vault, message)
    persons = [demographic.read_patient(registry, one).resource for one in found.person_ids]
    records = [_record(clinical, one) for one in found.ehr_ids]
    return packed(found, persons, records, at=datetime.now(UTC))


def write(
    file: Path,
    urls: Mapping[str, str],
    keys_folder: Path,
    *,
    person_id: str,
    reason: str,
    legal_basis: str,
    approval_id: str,
) -> None:
    """`collect` with keys from a folder, into a new file of mode 0600.

    Raises Exposed for a key that others may read, ValueError for what is no id, FileExistsError
    before anything is asked, and what `collect` raises.
    """
    message = GatherSubjectAccess(UUID(person_id), reason, legal_basis, UUID(approval_id))
    keys = {name: read_private(keys_folder / name).decode().strip() for name in urls}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as target, ExitStack() as clients:
        vault, clinical, registry = (
            clients.enter_context(connect(urls[name], keys[name], timeout=120.0))
            for name in ("vault", "clinical", "demographic")
        )
        try:
            target.write(collect(vault, clinical, registry, message))
        except BaseException:
            file.unlink()
            raise


def packed(
    found: SubjectAccess,
    persons: Sequence[Mapping[str, Any]],
    records: Sequence[bytes],
    *,
    at: datetime,
) -> bytes:
    """The ZIP file of what was gathered: JSON for programs, a page for people, a manifest."""
    files = {
        "identity.json": _json(persons),
        "accesses.json": _json(msgspec.to_builtins(found.report)),
        "projects.json": _json(msgspec.to_builtins(found.projects)),
        **{f"record-{number}.ndjson": record for number, record in enumerate(records, 1)},
    }
    files["index.html"] = _page(found, persons, records, at).encode()
    files["manifest.json"] = _json(
        {
            "gathered": at.isoformat(timespec="seconds"),
            "trail": {"size": found.trail_size, "root": found.trail_root},
            "sha256": {name: hashlib.sha256(octets).hexdigest() for name, octets in files.items()},
        }
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packing:
        for name, octets in files.items():
            packing.writestr(name, octets)
    return target.getvalue()


def _record(clinical: httpx.Client, ehr_id: UUID) -> bytes:
    try:
        return call(clinical, "GET", f"/bulk/export?ehr_id={ehr_id}").content
    except NotFound:
        return b""  # given to the person, and nothing written yet


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False, default=str).encode()


def _page(
    found: SubjectAccess,
    persons: Sequence[Mapping[str, Any]],
    records: Sequence[bytes],
    at: datetime,
) -> str:
    parts = [
        f"<p>Gathered on {_said(at)}.</p>",
        "<h2>Who you are to us</h2>",
        *(f"<pre>{html.escape(_json(one).decode())}</pre>" for one in persons),
        "<h2>Who looked</h2>",
        *(f"<p><strong>{html.escape(gap)}</strong></p>" for gap in found.report.gaps),
        _table(
            ("When", "Where", "What", "Outcome", "Who", "In which role", "For what", "Why"),
            (_looked(one) for one in found.report.entries),
        ),
        "<h2>Projects</h2>",
        _table(
            ("Title", "Purpose", "Legal basis", "Recipient", "State", "Your record"),
            ((p.title, p.purpose, p.legal_basis, p.recipient, p.state, p.use)
             for p in found.projects),
        ),
        "<h2>Your record</h2>",
        *(_shown(number, record) for number, record in enumerate(records, 1)),
    ]  # fmt: skip
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Your data</title>'
        f"<style>{_STYLE}</style><h1>Your data</h1>{''.join(parts)}</html>"
    )


def _looked(one: ReportEntry) -> tuple[str, ...]:
    what = f"{one.what} (of all records)" if one.every else one.what
    why = ", ".join(text for text in (one.project, one.reason) if text)
    return (
        _said(one.at), one.service, what, one.outcome, one.who or one.key_id, one.role or "",
        one.purpose_of_use or "", why,
    )  # fmt: skip


def _shown(number: int, record: bytes) -> str:
    lines = record.splitlines()
    shown = (html.escape(_json(json.loads(line)).decode()) for line in lines)
    blocks = "".join(f"<pre>{text}</pre>" for text in shown)
    return (
        f"<details><summary>Record {number}: {len(lines)} entries, also in"
        f" record-{number}.ndjson</summary>{blocks}</details>"
    )


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in body
    )
    return f"<table><tr>{top}</tr>{rows}</table>"


def _said(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%d %B %Y, %H:%M UTC")
