"""openEHR compositions in canonical JSON: every text in them, with its path.

What the reference model says is a person or an identifier is replaced whole: names of parties,
DV_IDENTIFIER, birth dates.  References to parties, guidelines and workflows and feeder audits, all
of which a composition may lack, are taken out; attached data too.  Coded texts stay: their rubrics
are their terminology's.  Where dates are shifted, the structured ones are too.  A composition that
could not be read again as one is withheld.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from moiety.commands.deid.checkpoint import withheld_file
from moiety.commands.deid.items import Document, Item, Outcome, Rendered, Withheld
from moiety.commands.deid.jsonl import Lines, told
from moiety.commands.deid.run import Told, Workers, batches, noted
from moiety.commands.options import Stop
from moiety.openehr import canonical
from moiety.openehr.errors import RmError

_TECHNICAL_KEYS = """
_type archetype_node_id archetype_id template_id rm_version code_string terminology_id uid encoding
language territory namespace type units media_type charset formalism scheme compression_algorithm
integrity_check_algorithm magnitude_status precision category setting function mode math_function
null_flavour defining_code version_id system_id links id_scheme current_state careflow_step
transition ism_transition normal_status property action_archetype_id
"""
_TECHNICAL = frozenset(_TECHNICAL_KEYS.split())
_DATES = frozenset({"DV_DATE", "DV_DATE_TIME"})
_UNTEXTUAL = frozenset({"DV_TIME", "DV_DURATION", "DV_CODED_TEXT", "CODE_PHRASE"})
_PARTIES = frozenset({"PARTY_IDENTIFIED", "PARTY_RELATED"})
_BIRTH = re.compile(r"\b(?:birth|dob|d\.o\.b)\b", re.IGNORECASE)
_REMOVED_URI = "urn:moiety:removed"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a text stands in a tree: the object, its key, the path and the name above it."""

    holder: Any
    key: str | int
    path: str
    name: str
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Compositions:
    """One composition an item.  `shift`: structured dates are texts too."""

    shift: bool
    explain: bool = False
    longest: int = 64 << 20

    def items(self, source: BinaryIO, number: int = 0, offset: int = 0) -> Iterator[Item]:
        """Every line, which is a composition."""
        for line, at, end in Lines(longest=self.longest).raw(source, number, offset):
            yield (
                Item(at, end, problem="too_long") if line is None else self.item(line, at, end, at)
            )

    def item(self, body: bytes, number: int, end: int, name: Any) -> Item:
        """The item of one composition in canonical JSON."""
        try:
            tree = json.loads(canonical.encode(canonical.decode_composition(body)))
        except (RmError, ValueError, RecursionError):
            return Item(number, end, name, problem="not_a_composition")
        take_out(tree)
        places = list(_places(tree, "", "", shift=self.shift))
        documents = tuple(
            Document(p.holder[p.key], field=p.name or None, path=p.path, subject=f"{name}",
                     whole=p.whole)
            for p in places
        )  # fmt: skip
        return Item(number, end, name, documents, payload=(tree, places))

    def render(self, item: Item, outcomes: Sequence[Outcome]) -> Rendered:
        """The composition with its new texts, on one line; it is read again before it goes out."""
        if item.problem:
            return Rendered(withheld=[Withheld(item.number, item.id, item.problem)])
        tree, places = item.payload
        for place, outcome in zip(places, outcomes, strict=True):
            reason = outcome.failed or ("residue" if outcome.left else "")
            if reason:
                left = tuple(told(s, explain=True) | {"path": place.path} for s in outcome.left)
                return Rendered(withheld=[Withheld(item.number, item.id, reason, left)])
            place.holder[place.key] = outcome.text or "-"
        try:
            written = canonical.encode(canonical.decode_composition(json.dumps(tree).encode()))
        except (RmError, ValueError):
            return Rendered(withheld=[Withheld(item.number, item.id, "invalid_after")])
        return Rendered(written + b"\n")


def take_out(tree: Any) -> None:
    """Take out, in place, what can't be de-identified and may be absent."""
    if isinstance(tree, list):
        for one in tree:
            take_out(one)
        return
    if not isinstance(tree, dict):
        return
    for reference in ("feeder_audit", "guideline_id", "workflow_id"):
        tree.pop(reference, None)
    _empty(tree, str(tree.get("_type")))
    for one in tree.values():
        take_out(one)


def _empty(tree: dict[str, Any], kind: str) -> None:
    """Take out of one object what points to a person, or holds what is no text."""
    if kind in _PARTIES or kind == "PARTY_SELF":
        tree.pop("external_ref", None)
        tree.pop("identifiers", None)
    if kind in _PARTIES:
        tree.setdefault("name", "unnamed")
    if kind in {"DV_URI", "DV_EHR_URI"}:
        tree["value"] = _REMOVED_URI
    if kind == "DV_MULTIMEDIA":
        tree.pop("thumbnail", None)
        tree.pop("integrity_check", None)
        if "data" in tree:
            tree |= {"data": "", "size": 0}


def _places(tree: Any, path: str, name: str, *, shift: bool) -> Iterator[_Place]:
    """Every text of a tree, with its path."""
    if isinstance(tree, list):
        for i, one in enumerate(tree):
            if isinstance(one, str):
                yield _Place(tree, i, path, name)
            else:
                yield from _places(one, f"{path}{_predicate(one)}", name, shift=shift)
        return
    if not isinstance(tree, dict) or tree.get("_type") in _UNTEXTUAL:
        return
    name = _name_of(tree) or name
    if tree.get("_type") in _DATES:
        yield from _date(tree, path, name, shift=shift)
        return
    for key, one in tree.items():
        if key in _TECHNICAL or (key == "name" and "archetype_node_id" in tree):
            continue
        inner = f"{path}/{key}"
        if isinstance(one, str):
            if not (isinstance(one, str) and one.startswith(_REMOVED_URI)) and one:
                yield _Place(tree, key, inner, name, _whole(tree, key))
        else:
            yield from _places(one, inner, name, shift=shift)


def _date(tree: dict[str, Any], path: str, name: str, *, shift: bool) -> Iterator[_Place]:
    """A structured date: a birth date becomes its year, another moves where dates are shifted."""
    if _BIRTH.search(name) or _BIRTH.search(path):
        tree["_type"], tree["value"] = "DV_DATE", str(tree["value"])[:4]
    elif shift:
        yield _Place(tree, "value", f"{path}/value", name, "DATE")


def _whole(tree: dict[str, Any], key: str) -> str:
    if tree.get("_type") in _PARTIES and key == "name":
        return "NAME"
    if tree.get("_type") == "DV_IDENTIFIER" and key == "id":
        return "HOSPITAL_NUMBER"
    return ""


def _name_of(tree: dict[str, Any]) -> str:
    """The name of a LOCATABLE."""
    named = tree.get("name")
    if "archetype_node_id" in tree and isinstance(named, dict):
        return str(named.get("value", ""))
    return ""


def _predicate(tree: Any) -> str:
    node = tree.get("archetype_node_id") if isinstance(tree, dict) else None
    return f"[{node}]" if node else ""


def folder(source: Path, out: Path, form: Compositions, workers: Workers) -> Told:
    """Read every *.json of a folder, or one file; write the same names.  Raises Stop."""
    files = sorted(source.rglob("*.json")) if source.is_dir() else [source]
    if not files:
        raise Stop(f"There is no *.json in {source}.")
    told, begun = Told(Counter()), time.monotonic()
    listed = b""
    out.mkdir(parents=True, exist_ok=True) if source.is_dir() else None
    units = (
        ((item,), item.documents)
        for number, file in enumerate(files, 1)
        for item in [form.item(file.read_bytes(), number, number, _relative(file, source))]
    )
    try:
        for some, outcomes in workers.ordered(batches(units)):
            following = iter(outcomes)
            for item in (item for items, _ in some for item in items):
                own = [next(following) for _ in item.documents]
                rendered = form.render(item, own)
                listed += noted(told, own, rendered.withheld)
                if rendered.line:
                    _put(out / item.id if source.is_dir() else out, rendered.line)
    finally:
        workers.close()
    if listed:
        withheld_file(out).write_bytes(listed)
    told.seconds = time.monotonic() - begun
    return told


def _relative(file: Path, source: Path) -> str:
    return str(file.relative_to(source)) if source.is_dir() else file.name


def _put(file: Path, body: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    part.write_bytes(body)
    part.replace(file)
