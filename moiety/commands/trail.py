"""`moiety trail …`: the whole trail checked, and what only the auditor can read of it.

Verifying needs no secret, only the rows, the heads and the public key; heads that a witness kept on
another machine are what shows a trail that was cut off or rebuilt whole.  Disclosing needs the
auditor's private key, which no service has.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import Progress

from linkage_vault import packets, personal, trail
from linkage_vault.entries import Leaf
from linkage_vault.personal import AuditorKey
from linkage_vault.tree_heads import TreeHead
from linkage_vault.verification import Report
from moiety.commands import issue, verifying

_PROGRESS = Console(stderr=True)


def verify(database_url: str, public_key: str, witness: Path | None) -> Report:
    """Check every row and head of the vault's database, and the heads in `witness` if given.

    `public_key`: 64 hexadecimal digits.  `witness`: a file with one head a line, as
    GET /vault/v1/trail/head answers it.  Raises ValueError for a key or file of another form.
    """
    kept = [] if witness is None else _read_witness(witness)
    with Progress(console=_PROGRESS, transient=True) as progress:
        task = progress.add_task("verifying")

        def told(done: int, whole: int) -> None:
            progress.update(task, completed=done, total=whole)

        return verifying.verify(database_url, public_key, kept, told=told)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What the auditor reads of one subject of an entry; `holds`: the tree is committed to it."""

    position: int
    subject: UUID | None
    reason: str | None
    holds: bool


def disclose(database_url: str, private_key: Path, *, first: int) -> list[Disclosure]:
    """The personal values of the entries from position `first`, opened and checked.

    Raises ValueError for a file that is no auditor's key, and Tampered for another auditor's.
    """
    key = _private_key(private_key)
    with issue.engine(database_url).connect() as connection:
        return list(_disclosed(key, trail.leaves(connection, first=first)))


def create_auditor_key(file: Path) -> None:
    """Writes a new private key, 64 hexadecimal digits, mode 0600; never over an existing file."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(personal.new_auditor_key() + "\n")


def auditor_public_key(file: Path) -> str:
    """The public half of a private key's file.  Raises ValueError."""
    return _private_key(file).public_text


def show_disclosed(console: Console, found: Iterable[Disclosure]) -> bool:
    """One line an entry; False when one is not what was committed to."""
    whole = True
    for one in found:
        word = "" if one.holds else "  [red]not what was committed to[/red]"
        console.print(f"{one.position}  {one.subject or '-'}  {one.reason or '-'}{word}")
        whole &= one.holds
    return whole


def _disclosed(key: AuditorKey, leaves: Iterable[Leaf]) -> Iterator[Disclosure]:
    for leaf in leaves:
        committed = set(packets.commitments_of(leaf.commitment or b""))
        for box in (box for packet in leaf.personal for box in packets.boxes_in(packet)):
            values = key.open_box(leaf.position, box)
            holds = personal.commit(values) in committed
            yield Disclosure(leaf.position, values.subject, values.reason, holds)


def _private_key(file: Path) -> AuditorKey:
    try:
        return AuditorKey(file.read_text().strip())
    except ValueError:
        raise ValueError(f"{file} is no auditor's private key of 64 hexadecimal digits") from None


def show(console: Console, report: Report) -> None:
    """The result in a sentence, and the fault's place if there is one."""
    console.print(f"{report.size} entries, {report.heads} signed heads, root {report.root.hex()}")
    if report.fault is None:
        console.print("[green]The trail is whole.[/green]")
    else:
        fault = report.fault
        console.print(f"[red]Fault at entry {fault.position}: {fault.kind}.[/red] {fault.message}")


def _read_witness(file: Path) -> list[TreeHead]:
    heads = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        try:
            head = json.loads(line)
            root, signature = bytes.fromhex(head["root"]), bytes.fromhex(head["signature"])
            heads.append(TreeHead(int(head["size"]), root, signature))
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"line {number} of {file} is not a signed head") from None
    return heads
