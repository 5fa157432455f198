"""A date as somebody wrote it, moved by days and written the same way.

`3rd March '21`, `03/03/21`, `2021-03-03T10:15` and `3/3` keep their separators, padding, letter
case and order.  The United Kingdom writes the day first; `3/25/21` can only be the other way about
and is read so.  A date without a year is moved in `year`.  A form that is not understood is None:
the caller writes a tag, never a guess.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_FILLERS = frozenset({"of", "the", "on"})
_PARTS = re.compile(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]+")
_TIME = re.compile(
    r"(?:(?<=[0-9])T[0-9]{2}(?:[0-9]{4}(?:[.,][0-9]+)?|[0-9]{2})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?$"
    r"|(?:(?<=[0-9])T(?=[0-9]{2})|(?<![\s,])[\s,]+(?:at\s+|@\s*)?)"
    r"[0-9]{1,2}(?:[:.][0-9]{2}){1,2}(?:[.,][0-9]+)?\s*(?:am|pm|hrs?|h|Z|[+-][0-9]{2}:?[0-9]{2})?$)",
    re.IGNORECASE,
)
_CENTURY_ENDS = 40  # '39 is 2039 at the latest; '41 is 1941


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of a written date and what it stands for: day, month, year, weekday, or itself."""

    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class _Written:
    """A date read: its parts in order, what of it was said, and the rest (a time of day)."""

    parts: tuple[_Part, ...]
    day: int | None
    month: int | None
    year: int | None
    rest: str = ""


def moved(text: str, days: int, *, year: int = 2023) -> str | None:
    """The date so many days later, written alike, or None where it is not understood."""
    written = _read(text)
    if written is None:
        return None
    if written.month is None and written.year is None:
        weekday = _weekday_of(written)
        return None if weekday is None else _write(written, None, (weekday + days) % 7)
    start = _start(written, year)
    if start is None:
        return None
    try:
        after = start + timedelta(days=days)
    except OverflowError:
        return None
    if not 1000 <= after.year <= 9999:
        return None
    return _write(written, after, after.weekday() if written.year else _turned(written, days))


def year_of(text: str) -> int | None:
    """The year that a written date names."""
    written = _read(text)
    return written.year if written else None


def date_of(text: str) -> date | None:
    """The day that a written date names in full."""
    written = _read(text)
    if written is None or None in (written.day, written.month, written.year):
        return None
    return _start(written, 0)


def _read(text: str) -> _Written | None:
    time = _TIME.search(text)
    body, rest = (text[: time.start()], text[time.start() :]) if time else (text, "")
    if not body.isascii() and any(c.isalnum() and not c.isascii() for c in body):
        return None
    parts = [_Part(p) for p in _PARTS.findall(body)]
    parts = _split_runs(parts)
    roles = _roles(parts)
    if roles is None:
        return None
    named = tuple(_Part(p.text, roles.get(i, "")) for i, p in enumerate(parts))
    values = {p.role: p.text for p in named if p.role}
    month = _month(values.get("month", ""))
    day = int(values["day"]) if "day" in values else None
    if ("month" in values and month is None) or day == 0:
        return None
    return _Written(named, day, month, _year(values.get("year")), rest)


def _split_runs(parts: list[_Part]) -> list[_Part]:
    """20210303 and 030321 are three numbers without a sign between."""
    words = [p.text for p in parts if p.text[0].isalnum()]
    if len(words) != 1 or not words[0].isdigit():
        return parts
    run = words[0]
    if len(run) == 8:
        cuts = (4, 6) if run[:2] in {"19", "20"} and int(run[4:6]) <= 12 else (2, 4)
    elif len(run) == 6:
        cuts = (2, 4)
    else:
        return parts
    pieces = [run[: cuts[0]], run[cuts[0] : cuts[1]], run[cuts[1] :]]
    return [q for p in parts for q in ([_Part(r) for r in pieces] if p.text == run else [p])]


def _roles(parts: list[_Part]) -> dict[int, str] | None:
    """What each part stands for, by its place; None where a part stands for nothing known."""
    roles: dict[int, str] = {}
    numbers: list[int] = []
    for i, part in enumerate(parts):
        word = part.text.casefold()
        if word.isdigit():
            numbers.append(i)
        elif not word[0].isalpha() or word in _FILLERS:
            continue
        elif word in _ORDINALS:
            if not numbers or numbers[-1] != i - 1:
                return None
            roles[i] = "ordinal"
        elif _is_short(word, WEEKDAYS):
            roles[i] = "weekday"
        elif _is_short(word, MONTHS) and "month" not in roles.values():
            roles[i] = "month"
        else:
            return None
    return _number_roles(parts, numbers, roles)


def _number_roles(
    parts: list[_Part], numbers: list[int], roles: dict[int, str]
) -> dict[int, str] | None:
    texts = [parts[i].text for i in numbers]
    ordinal = [i for i in numbers if roles.get(i + 1) == "ordinal"]
    if "month" in roles.values():
        order = _beside_a_month(texts, ordinal=bool(ordinal))
    else:
        order = _without_a_month(texts, ordinal=bool(ordinal))
    if order is None:
        return None
    return roles | dict(zip(numbers, order, strict=True))


def _beside_a_month(texts: list[str], *, ordinal: bool) -> tuple[str, ...] | None:
    """3 March 2021, March 3, 2021, March 2021, 3 March, 2021 March 3; March alone."""
    if not texts:
        return ()
    if len(texts) == 1:
        is_year = not ordinal and (len(texts[0]) == 4 or int(texts[0]) > 31)
        return ("year",) if is_year else ("day",) if _fits(texts[0], 31) else None
    if len(texts) == 2:
        first, second = texts
        if _fits(first, 31) and len(second) in {2, 4}:
            return ("day", "year")
        if len(first) == 4 and _fits(second, 31):
            return ("year", "day")
    return None


def _without_a_month(texts: list[str], *, ordinal: bool) -> tuple[str, ...] | None:
    """3/3/21, 2021-03-03, 3/25/21 (no other way), 3/3, 03/2021, 2021-03; 2021; the 3rd."""
    if len(texts) == 3:
        first, second, third = texts
        if len(first) == 4 and _fits(second, 12) and _fits(third, 31):
            return ("year", "month", "day")
        if len(third) in {2, 4} and _fits(first, 31) and _fits(second, 12):
            return ("day", "month", "year")
        if len(third) in {2, 4} and _fits(first, 12) and _fits(second, 31):
            return ("month", "day", "year")
    if len(texts) == 2:
        first, second = texts
        if len(second) == 4 and _fits(first, 12):
            return ("month", "year")
        if len(first) == 4 and _fits(second, 12):
            return ("year", "month")
        if _fits(first, 31) and _fits(second, 12):
            return ("day", "month")
    if len(texts) == 1 and len(texts[0]) == 4 and not ordinal:
        return ("year",)
    return () if not texts else None


def _start(written: _Written, year: int) -> date | None:
    """The day itself; the middle of a month or year where no more was said."""
    known = written.year or year
    month = written.month or 7
    day = written.day or 15
    if not written.year and (month, day) == (2, 29):
        known += -known % 4
    try:
        return date(known, month, day)
    except ValueError:
        return None


def _write(written: _Written, after: date | None, weekday: int | None) -> str:
    pieces: list[str] = []
    padded = any(p.text.startswith("0") for p in written.parts if p.role in {"day", "month"})
    for part in written.parts:
        if part.role == "weekday" and weekday is not None:
            pieces.append(_named(part.text, WEEKDAYS, weekday))
        elif after is None or part.role in {"", "weekday"}:
            pieces.append(part.text)
        elif part.role == "day":
            pieces.append(f"{after.day:02d}" if padded else str(after.day))
        elif part.role == "month":
            pieces.append(_month_as(part.text, after.month, padded=padded))
        elif part.role == "year":
            pieces.append(f"{after.year:04d}"[-len(part.text) :])
        else:
            pieces.append(_cased(part.text, _ordinal(after.day)))
    return "".join(pieces) + written.rest


def _weekday_of(written: _Written) -> int | None:
    names = [p.text.casefold() for p in written.parts if p.role == "weekday"]
    if not names or any(p.role == "day" for p in written.parts):
        return None
    return _index(names[0], WEEKDAYS)


def _turned(written: _Written, days: int) -> int | None:
    """The weekday so many days after the one that was written, where the year is not known."""
    names = [p.text.casefold() for p in written.parts if p.role == "weekday"]
    index = _index(names[0], WEEKDAYS) if names else None
    return None if index is None else (index + days) % 7


def _fits(text: str, most: int) -> bool:
    return len(text) <= 2 and 1 <= int(text) <= most


def _month(text: str) -> int | None:
    if text.isdigit():
        return int(text)
    index = _index(text.casefold(), MONTHS)
    return None if index is None else index + 1


def _year(text: str | None) -> int | None:
    if text is None:
        return None
    number = int(text)
    if len(text) == 2:
        return number + (2000 if number < _CENTURY_ENDS else 1900)
    return number if len(text) == 4 and number >= 1000 else None


def _is_short(word: str, names: tuple[str, ...]) -> bool:
    return _index(word, names) is not None


def _index(word: str, names: tuple[str, ...]) -> int | None:
    """Which name a word of three letters or more begins; `tues`, `thurs` and `sept` are such."""
    if len(word) < 3:
        return None
    return next((i for i, name in enumerate(names) if name.startswith(word)), None)


def _named(was: str, names: tuple[str, ...], index: int) -> str:
    """A name as long as the one before it was: whole, or its first three letters."""
    whole = was.casefold() in names and was.casefold() != "may"
    name = names[index] if whole else names[index][:3]
    return _cased(was, name)


def _cased(was: str, now: str) -> str:
    if was.isupper():
        return now.upper()
    return now.capitalize() if was[:1].isupper() else now


def _month_as(was: str, month: int, *, padded: bool) -> str:
    if was.isdigit():
        return f"{month:02d}" if padded else str(month)
    return _named(was, MONTHS, month - 1)


def _ordinal(day: int) -> str:
    if day in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
