"""`moiety trail verify`: the whole trail checked against its signed heads.

No secret is needed, only the rows, the heads and the public key; heads that a witness kept on
another machine are what shows a trail that was cut off or rebuilt whole.
"""

import json
from pathlib import Path

from rich.console import Console

from linkage_vault import trail, verification
from linkage_vault.keys import public_key_of
from linkage_vault.tree_heads import TreeHead
from linkage_vault.verification import Report
from moiety.commands import issue


def verify(database_url: str, public_key: str, witness: Path | None) -> Report:
    """Check every row and head of the vault's database, and the heads in `witness` if given.

    `public_key`: 64 hexadecimal digits.  `witness`: a file with one head a line, as
    GET /vault/v1/trail/head answers it.  Raises ValueError for a key or file of another form.
    """
    key = public_key_of(public_key)
    kept = [] if witness is None else _read_witness(witness)
    with issue.engine(database_url).connect() as connection:
        heads = [*trail.heads(connection), *kept]
        return verification.verify(trail.leaves(connection), heads, key)


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
