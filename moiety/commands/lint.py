"""`moiety template lint`: where templates let identity in, as tables or JSON."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from moiety.openehr.errors import TemplateError
from moiety.openehr.leaks import Leak, find_leaks
from moiety.openehr.leaks_told import ADVICE
from moiety.openehr.opt import parse_opt

CLEAN, LEAKY, UNREADABLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Looked:
    """One file: its template and leaks, or why it could not be read."""

    file: str
    template_id: str
    concept: str
    leaks: list[Leak]
    error: str = ""


def lint(files: list[Path], *, as_json: bool, everything: bool, only: list[str] | None) -> int:
    """Print the leaks of each file, and give the exit code.

    `only`: kinds to keep, all when None. Raises ValueError for a kind that there is not.
    """
    unknown = sorted(set(only or ()) - set(ADVICE))
    if unknown:
        raise ValueError(f"There is no kind {unknown[0]}: {', '.join(ADVICE)}")
    looked = [_look(file) for file in _progress(_files(files))]
    looked = [_narrowed(each, everything=everything, only=only) for each in looked]
    if as_json:
        print(json.dumps({"templates": [_plain(each) for each in looked]}, ensure_ascii=False))
    else:
        _show(Console(), looked, everything=everything)
    return _exit_code(looked)


def _files(given: list[Path]) -> list[Path]:
    """The files named, and those of the folders named; a folder without any stands for itself."""
    found: list[Path] = []
    for path in given:
        found += (sorted(path.rglob("*.opt")) or [path]) if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def _progress(files: list[Path]) -> Iterable[Path]:
    """A bar on stderr while many files are read, where somebody looks on."""
    console = Console(stderr=True)
    if len(files) < 5 or not console.is_terminal:
        return files
    return track(files, "templates", console=console, transient=True)


def _look(file: Path) -> Looked:
    try:
        template = parse_opt(file.read_bytes())
    except IsADirectoryError:
        return Looked(str(file), "", "", [], "the folder holds no *.opt file")
    except OSError as error:
        return Looked(str(file), "", "", [], error.strerror or "cannot be read")
    except TemplateError as error:
        return Looked(str(file), "", "", [], str(error))
    return Looked(str(file), template.template_id, template.concept, find_leaks(template))


def _narrowed(looked: Looked, *, everything: bool, only: list[str] | None) -> Looked:
    kinds = frozenset(only or ADVICE)
    leaks = [
        leak
        for leak in looked.leaks
        if leak.kind in kinds and (everything or leak.origin == "template")
    ]
    return Looked(looked.file, looked.template_id, looked.concept, leaks, looked.error)


def _exit_code(looked: list[Looked]) -> int:
    if any(each.error for each in looked):
        return UNREADABLE
    told = (leak.origin == "template" for each in looked for leak in each.leaks)
    return LEAKY if any(told) else CLEAN


def _plain(looked: Looked) -> dict[str, Any]:
    if looked.error:
        return {"file": looked.file, "error": looked.error}
    return {
        "file": looked.file,
        "template_id": looked.template_id,
        "concept": looked.concept,
        "leaks": [asdict(leak) for leak in looked.leaks],
    }


# --- for people


def _show(console: Console, looked: list[Looked], *, everything: bool) -> None:
    for each in looked:
        console.print(f"[bold]{escape(each.file)}[/bold]  {escape(each.template_id)}")
        if each.error:
            console.print(f"  [red]not read:[/red] {escape(each.error)}")
        elif each.leaks:
            _show_leaks(console, each.leaks)
        else:
            console.print("  [green]nothing that identity could leak through[/green]")
    _show_advice(console, [leak for each in looked for leak in each.leaks])
    if not everything and any(not each.error for each in looked):
        console.print(
            "Not shown: what the reference model gives every node, unless a template closes it "
            "(composers, participations, feeder audits, reasons). --all lists it."
        )


def _show_leaks(console: Console, leaks: list[Leak]) -> None:
    """A line a leak, in columns; the path stands last and whole, so that it can be copied."""
    heads = ("risk", "kind", "class", "name", "path")
    rows = [(leak.risk, leak.kind, leak.rm_type, leak.name, leak.path) for leak in leaks]
    widths = [min(40, max(map(len, column))) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = (f"{cell:{width}}" for cell, width in zip(row[:-1], widths[:-1], strict=True))
        style = "bold" if row is heads else "red" if row[0] == "likely" else ""
        console.print(
            "  ".join((*cells, row[-1])), style=style, soft_wrap=True, markup=False, highlight=False
        )


def _show_advice(console: Console, leaks: list[Leak]) -> None:
    counts = Counter(leak.kind for leak in leaks)
    if not counts:
        return
    console.print()
    table = Table("kind", "places", "what to do", show_edge=False, pad_edge=False)
    for kind, count in counts.most_common():
        table.add_row(kind, str(count), ADVICE[kind])
    console.print(table)
