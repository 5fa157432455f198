"""A document's own identifiers taken out of its text, and put back.

Each span becomes a typed placeholder, `[NAME]`; a birth date in a DV_DATE becomes its year.  What
was there goes, with path and place, into one small document that is sealed for the vault.  Putting
back demands the placeholder at its place, so what comes out is the text that went in, octet by
octet.

Left as they are, and only recorded: coded text (its words are a terminology's), names of nodes
(paths lead through them), URIs and times; and a party's name, unless two words of it are the
subject's own (a clinician may share a first name with a patient).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from moiety.deid.own import candidates, forms
from moiety.deid.own.candidates import Candidate

_STEP = re.compile(r"/([^/\[\]]+)|\[(\d+)\]")
_NO_TEXT = frozenset(
    {"_type", "code_string", "archetype_node_id", "archetype_id", "template_id", "terminology_id",
     "uid", "units", "media_type", "rm_version", "integrity_check", "formalism"}
)  # fmt: skip
_AS_IT_IS = frozenset(
    {"DV_CODED_TEXT", "DV_DATE_TIME", "DV_TIME", "DV_DURATION", "DV_URI", "DV_EHR_URI"}
)
_PARTIES = frozenset({"PARTY_IDENTIFIED", "PARTY_RELATED"})
_INITIAL_BEFORE = re.compile(r"(?<![^\W_])[A-Z]\.?[ \u00a0]?$")
_INITIAL_AFTER = re.compile(r"^,?[ \u00a0][A-Z]\.?(?![^\W_])")
_BETWEEN = re.compile(r"[ \u00a0,'’-]{1,3}\Z")


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """What was taken out of one text: its place in the text as it is now, and what was there."""

    path: str
    start: int
    placeholder: str
    was: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A text of a document: where it stands, and what in it might be its subject's own."""

    path: str
    holder: Any  # the dictionary or list that holds the text
    key: str | int
    kind: str  # text, date, party, or fixed
    found: Sequence[Candidate]

    @property
    def text(self) -> str:
        """The text itself."""
        text: str = self.holder[self.key]
        return text


@dataclass(frozen=True, slots=True)
class Seen:
    """A span that is the subject's own."""

    start: int
    end: int
    kind: str


def spots(document: Any) -> list[Spot]:
    """Every text of a document in canonical JSON that might say whose it is."""
    return [spot for spot in _walk(document, "", "text") if spot.found]


def asked(found: Sequence[Spot]) -> list[str]:
    """The forms that the spots ask for, each once."""
    return list(dict.fromkeys(form for spot in found for one in spot.found for form in one.forms))


def seen(spot: Spot, own: Collection[str]) -> list[Seen]:
    """The spans of a text that are the subject's own: the longest, neighbours as one."""
    hits = [
        Seen(one.start, one.end, forms.kind_of(form))
        for one in spot.found
        if (form := next((form for form in one.forms if form in own), None))
    ]
    if spot.kind == "party" and len({(hit.start, hit.end) for hit in hits}) < 2:
        return []
    return _joined(spot.text, _longest(hits))


def take_out(spot: Spot, spans: Sequence[Seen]) -> list[Taken]:
    """Replaces the spans in the document and says what was there."""
    text = spot.text
    if spot.kind == "date":
        spot.holder[spot.key] = text[:4]
        return [Taken(spot.path, 0, text[:4], text)]
    taken: list[Taken] = []
    written, last = "", 0
    for span in spans:
        written += text[last : span.start]
        placeholder = f"[{span.kind}]"
        taken.append(Taken(spot.path, len(written), placeholder, text[span.start : span.end]))
        written += placeholder
        last = span.end
    spot.holder[spot.key] = written + text[last:]
    return taken


def put_back(document: Any, taken: Sequence[Taken]) -> None:
    """Puts everything back in its place.  Raises ValueError where its placeholder is not."""
    for one in reversed(taken):
        holder, key = _place(document, one.path)
        text = holder[key]
        end = one.start + len(one.placeholder)
        if not isinstance(text, str) or text[one.start : end] != one.placeholder:
            raise ValueError("sealed words do not fit their document")
        holder[key] = text[: one.start] + one.was + text[end:]


def below(path: str, taken: Sequence[Taken]) -> list[Taken]:
    """What was taken out below a path, told from there."""
    return [
        msgspec.structs.replace(one, path=one.path[len(path) :])
        for one in taken
        if one.path.startswith(path)
    ]


def _walk(value: Any, path: str, kind: str) -> Iterator[Spot]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _item(value, index, item, f"{path}[{index}]", kind)
    elif isinstance(value, dict):
        rm_class = value.get("_type", "")
        if rm_class in _AS_IT_IS:
            kind = "fixed"
        for name, item in value.items():
            if name in _NO_TEXT or (name == "data" and isinstance(item, str)):
                continue
            inner = kind
            if rm_class == "DV_DATE" and name == "value":
                inner = "date"
            elif rm_class in _PARTIES and name == "name":
                inner = "party"
            elif name == "name" and "archetype_node_id" in value:
                inner = "fixed"
            yield from _item(value, name, item, f"{path}/{name}", inner)


def _item(holder: Any, key: str | int, item: Any, path: str, kind: str) -> Iterator[Spot]:
    if isinstance(item, str):
        yield Spot(path, holder, key, kind, candidates.find(item))
    elif isinstance(item, dict | list):
        yield from _walk(item, path, kind)


def _longest(hits: Sequence[Seen]) -> list[Seen]:
    """Spans that do not overlap, in order: the longer of two that do."""
    kept: list[Seen] = []
    for hit in sorted(hits, key=lambda one: (one.start - one.end, one.start)):
        if all(hit.end <= other.start or hit.start >= other.end for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda one: one.start)


def _joined(text: str, hits: Sequence[Seen]) -> list[Seen]:
    """Names that stand together as one, with an initial before or after them."""
    joined: list[Seen] = []
    for hit in (_with_initial(text, one) for one in hits):
        before = joined[-1] if joined else None
        if (
            before is not None
            and before.kind == hit.kind
            and (hit.start <= before.end or _BETWEEN.match(text[before.end : hit.start]))
        ):
            joined[-1] = Seen(before.start, max(before.end, hit.end), hit.kind)
        else:
            joined.append(hit)
    return joined


def _with_initial(text: str, hit: Seen) -> Seen:
    if hit.kind != "NAME":
        return hit
    before = _INITIAL_BEFORE.search(text[max(0, hit.start - 4) : hit.start])
    after = _INITIAL_AFTER.match(text[hit.end : hit.end + 5])
    start = hit.start - len(before[0]) if before else hit.start
    return Seen(start, hit.end + (len(after[0]) if after else 0), hit.kind)


def _place(document: Any, path: str) -> tuple[Any, str | int]:
    steps: list[str | int] = [name or int(index) for name, index in _STEP.findall(path)]
    holder = document
    for step in steps[:-1]:
        holder = holder[step]
    return holder, steps[-1]
