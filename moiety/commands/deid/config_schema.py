"""What a configuration may say: docs/howto/deidentify-text.md shows every key."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moiety.commands.deid.config_file import ConfigurationError, Place, composed, nearest
from moiety.deid.text import BadOption, Format, Label, Options, importing
from moiety.deid.text.backends.libraries import KINDS, SETTINGS
from moiety.deid.text.learned import BadModel, opened
from moiety.deid.text.replacement.policy import BadPolicy, BirthDates, Dates, Policy, Style

_KEYS = ("labels", "formats", "lists", "keep", "model", "threshold", "backends", "replacement")
_REPLACEMENT = (
    "style", "dates", "birth_dates", "key_file", "most_days", "whole_weeks", "greatest_age",
    "second_look", "sure",
)  # fmt: skip
_PUBLISHED = ("ods", "postcodes", "streets")
_BUILT_IN = "built-in"
_SHORTEST_KEY = 16
_USUAL = Options().threshold


@dataclass(frozen=True, slots=True)
class Chosen:
    """One detector and what it is told."""

    kind: str
    told: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration without faults.  `policy` None: identifiers are told, not replaced."""

    options: Options = field(default_factory=Options)
    policy: Policy | None = None
    backends: tuple[Chosen, ...] = (Chosen(_BUILT_IN),)
    votes: int = 1


def read(text: str, folder: Path) -> Configuration:
    """A configuration; names of files in it are relative to `folder`.  Raises ConfigurationError
    with every fault.
    """
    root = composed(text)
    if root is None:
        return Configuration()
    keys = root.mapping(_KEYS)
    labels = _labels(keys)
    formats = tuple(f for p in _list(keys, "formats") if (f := _format(p)))
    lists = tuple(found for p in _list(keys, "lists") for found in _phrases(p, folder))
    backends, votes = _backends(keys["backends"], folder) if "backends" in keys else ((), 1)
    labels |= {f.label for f in formats} | {label for label, _ in lists} | _own_labels(backends)
    wanted, weights = _model(keys["model"], folder) if "model" in keys else (True, b"")
    options = Options(
        labels=frozenset(labels),
        formats=formats,
        lists=lists,
        keep=frozenset(keys["keep"].texts()) if "keep" in keys else frozenset(),
        model=wanted,
        weights=weights,
        threshold=keys["threshold"].number(_USUAL, 0.01, 0.99) if "threshold" in keys else _USUAL,
    )
    policy = _policy(keys["replacement"], folder) if "replacement" in keys else None
    if root.faults:
        raise ConfigurationError(root.faults)
    return Configuration(options, policy, backends or (Chosen(_BUILT_IN),), votes)


def _model(place: Place, folder: Path) -> tuple[bool, bytes]:
    """Whether the model looks, and the weights of a site's own; true, false, or a file's name."""
    if place.is_flag():
        return place.flag(default=True), b""
    path = folder / place.text()
    try:
        weights = path.read_bytes()
        opened(weights)
    except OSError as error:
        place.fault(f"write true, false, or a file's name; {path} can't be read ({error.strerror})")
    except BadModel as error:
        place.fault(f"{error}; `moiety deid train` makes one")
    else:
        return True, weights
    return True, b""


def _labels(keys: Mapping[str, Place]) -> set[str]:
    """The sixteen, or those under `only`, without those under `off`."""
    labels = {str(label) for label in Label}
    if "labels" not in keys:
        return labels
    chosen = keys["labels"].mapping(("only", "off"))
    only = _known_labels(chosen["only"]) if "only" in chosen else labels
    off = _known_labels(chosen["off"]) if "off" in chosen else set()
    if not only - off:
        keys["labels"].fault("no label is left; take one out of `off`")
    return only - off


def _known_labels(place: Place) -> set[str]:
    labels = set()
    known = [str(label) for label in Label]
    for one in place.places():
        text = one.text()
        if text in known:
            labels.add(text)
        elif text:
            one.fault(f"there is no label {text}; {nearest(text, known)}")
    return labels


def _new_label(place: Place) -> str:
    """One of the sixteen, or one of the site's own: capitals, digits and underscores."""
    text = place.text()
    if text and not (text.isascii() and text.replace("_", "").isalnum() and text.isupper()):
        place.fault("write a label in capitals, as HOSPITAL_NUMBER or STUDY_NUMBER")
        return ""
    return text


def _format(place: Place) -> Format | None:
    keys = place.mapping(("label", "shape", "pattern"))
    if "label" not in keys or ("shape" in keys) == ("pattern" in keys):
        place.fault("write a label, and either a shape (AA999999) or a pattern")
        return None
    label = _new_label(keys["label"])
    form = keys["shape"] if "shape" in keys else keys["pattern"]
    text = form.text()
    made = Format.of_shape(label, text) if "shape" in keys else Format(label, text)
    try:
        made.compiled()
    except BadOption as error:
        form.fault(f"{error}")
        return None
    return made if label and text else None


def _phrases(place: Place, folder: Path) -> tuple[tuple[str, tuple[str, ...]], ...]:
    keys = place.mapping(("label", "phrases", "file", "column", "published"))
    if "published" in keys:
        return _published(place, keys, folder)
    if "label" not in keys or ("phrases" in keys) == ("file" in keys):
        place.fault("write a label, and either phrases or a file")
        return ()
    label = _new_label(keys["label"])
    if "phrases" in keys:
        return ((label, keys["phrases"].texts()),)
    column = keys["column"].text() if "column" in keys else None
    return ((label, _from_file(keys["file"], folder, column)),)


def _published(
    place: Place, keys: Mapping[str, Place], folder: Path
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A list as its publisher writes it: organisations of the NHS, postcodes, streets."""
    kind = keys["published"].one_of(_PUBLISHED, "")
    if not kind:
        return ()
    if "file" not in keys or (kind == "ods") != ("label" in keys):
        place.fault("write a file; and for ods, and for it alone, a label")
        return ()
    path = folder / keys["file"].text()
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            if kind == "ods":
                return importing.organisations(lines, _new_label(keys["label"]))
            if kind == "postcodes":
                return (importing.postcodes(lines),)
            return (importing.streets(lines),)
    except OSError as error:
        keys["file"].fault(f"{path} can't be read ({error.strerror})")
    except (importing.BadList, UnicodeDecodeError, csv.Error) as error:
        told = str(error) if isinstance(error, importing.BadList) else "it is no CSV in UTF-8"
        keys["file"].fault(f"{path.name}: {told}")
    return ()


def _from_file(place: Place, folder: Path, column: str | None) -> tuple[str, ...]:
    """A phrase a line, or the cells of one column of a CSV file."""
    path = folder / place.text()
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            if column is None:
                return tuple(line for each in lines if (line := each.strip()))
            rows = csv.DictReader(lines)
            if column not in (rows.fieldnames or ()):
                place.fault(f"{path.name} has no column {column}; it has {_some(rows.fieldnames)}")
                return ()
            return tuple(cell for row in rows if (cell := (row[column] or "").strip()))
    except OSError as error:
        place.fault(f"{path} can't be read ({error.strerror}); names are relative to this file")
    except (UnicodeDecodeError, csv.Error):
        place.fault(f"{path} is no text in UTF-8; save it again as UTF-8")
    return ()


def _some(names: Any) -> str:
    return ", ".join(list(names or ())[:10]) or "none"


def _backends(place: Place, folder: Path) -> tuple[tuple[Chosen, ...], int]:
    keys = place.mapping(("votes", "use"))
    if "use" not in keys:
        place.fault("write the detectors under `use`")
        return (), 1
    chosen = tuple(c for p in keys["use"].places() if (c := _chosen(p, folder)))
    votes = keys["votes"].whole(1, 1, 20) if "votes" in keys else 1
    if chosen and votes > len(chosen):
        keys["votes"].fault(f"there are {len(chosen)} detectors, so at most as many votes")
    return chosen, votes


def _own_labels(backends: tuple[Chosen, ...]) -> set[str]:
    """Labels that only a detector's map has: looked for as soon as something finds them."""
    maps = (dict(chosen.told).get("labels", {}) for chosen in backends)
    return {label for told in maps for label in told.values()} - {str(label) for label in Label}


def _chosen(place: Place, folder: Path) -> Chosen | None:
    kinds = (_BUILT_IN, *KINDS)
    kind_of = place.mapping(("kind", *{key for told in SETTINGS.values() for key in told}))
    if "kind" not in kind_of:
        place.fault(f"write kind: one of {', '.join(kinds)}")
        return None
    kind = kind_of["kind"].one_of(kinds, "")
    allowed = SETTINGS.get(kind, {})
    told: dict[str, Any] = {}
    for name, inner in kind_of.items():
        if name == "kind" or not kind:
            continue
        if name not in allowed:
            inner.fault(f"{kind} has no such key; it has {', '.join(allowed) or 'none'}")
        elif allowed[name] is float:
            told[name] = inner.number(0.3, 0.0, 1.0)
        elif allowed[name] is dict:
            told[name] = {name: _new_label(label) for name, label in inner.pairs()}
        else:
            told[name] = _path_of(name, inner.text(), folder)
    if "model" in allowed and "model" not in told:
        place.fault("write model: the path of the model on this machine")
    return Chosen(kind, tuple(told.items())) if kind else None


def _path_of(name: str, told: str, folder: Path) -> str:
    """A model's path; spaCy's model is a package, or a folder where there is one of that name."""
    path = folder / told
    return str(path) if told and (name == "model" or path.is_dir()) else told


def _policy(place: Place, folder: Path) -> Policy | None:
    keys = place.mapping(_REPLACEMENT)
    told: dict[str, Any] = {}
    for name, words in (("style", Style), ("dates", Dates), ("birth_dates", BirthDates)):
        if name in keys:
            told[name] = words(keys[name].one_of([str(w) for w in words], str(next(iter(words)))))
    for name in ("whole_weeks", "second_look"):
        if name in keys:
            told[name] = keys[name].flag(default=True)
    if "most_days" in keys:
        told["most_days"] = keys["most_days"].whole(182, 1, 3650)
    if "sure" in keys:
        told["sure"] = keys["sure"].number(0.8, 0.0, 1.0)
    if "greatest_age" in keys:
        age = keys["greatest_age"]
        told["greatest_age"] = None if age.none() else age.whole(89, 60, 110)
    if "key_file" in keys:
        told["key"] = key_from(keys["key_file"], folder)
    try:
        return Policy(**told)
    except BadPolicy as error:
        place.fault(f"{error}; write key_file, and make the file with `moiety deid key FILE`")
        return None


def key_from(place: Place, folder: Path) -> bytes:
    """The project's key of a file."""
    path = folder / place.text()
    try:
        return read_key(path)
    except (OSError, ValueError) as error:
        place.fault(f"{error}")
        return b"\0" * _SHORTEST_KEY


def read_key(path: Path) -> bytes:
    """A key of hexadecimal digits.  Raises ValueError where it is none, or short."""
    try:
        key = bytes.fromhex(path.read_text().strip())
    except OSError as error:
        raise ValueError(f"{path} can't be read ({error.strerror})") from None
    except ValueError:
        key = b""
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"{path} holds no key: make one with `moiety deid key FILE`")
    return key


def _list(keys: Mapping[str, Place], name: str) -> list[Place]:
    return keys[name].places() if name in keys else []
