"""Dates, times and durations of openEHR (BASE 1.2.0, foundation_types.time): text → magnitude.

The magnitude orders values and is what rows keep beside the text, in seconds:

date, date_time   since 1970-01-01T00:00:00Z; a zone that is not told counts as UTC
time              since midnight, less the zone's offset
duration          with the specification's average year (365.24 days) and month (30.42 days)

Partial values are read as their first moment: 2024 and 2024-01-01T00:00:00Z are equal.
The specification counts days from 0001-01-01; another origin changes no order, and
the nearer one keeps microseconds exact in a float8.
"""

import re
from datetime import UTC, date, datetime

_EPOCH = date(1970, 1, 1).toordinal()
_DAY = 86_400

_DATE = re.compile(r"([0-9]{4})(?:(-?)([0-9]{2})(?:\2([0-9]{2}))?)?")
_TIME = re.compile(
    r"([0-9]{2})(?:(:?)([0-9]{2})(?:\2([0-9]{2})(?:[.,]([0-9]{1,12}))?)?)?"
    r"(?:Z|([+-])([0-9]{2}):?([0-9]{2})?)?"
)
_DURATION = re.compile(
    r"(-)?P(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9}(?:[.,][0-9]{1,12})?)S)?)?"
)


def date_seconds(text: str) -> float:
    """The magnitude of a DV_DATE. Raises ValueError, without the text, for no date."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("no ISO 8601 date")
    year, _, month, day = found.groups()
    try:
        days = date(int(year), int(month or 1), int(day or 1)).toordinal()
    except ValueError:
        raise ValueError("no day of the calendar") from None
    return float((days - _EPOCH) * _DAY)


def time_seconds(text: str) -> float:
    """The magnitude of a DV_TIME. Raises ValueError, without the text, for no time."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("no ISO 8601 time")
    hour, _, minute, second, fraction, sign, zone_hour, zone_minute = found.groups()
    seconds = int(hour) * 3600 + int(minute or 0) * 60 + int(second or 0)
    if int(minute or 0) > 59 or int(second or 0) > 59 or seconds > _DAY:
        raise ValueError("no time of the day")
    moment = float(seconds)
    if fraction:
        moment += float(f"0.{fraction}")
    if sign:
        offset = int(zone_hour) * 3600 + int(zone_minute or 0) * 60
        if int(zone_hour) > 14 or int(zone_minute or 0) > 59:
            raise ValueError("no time zone")
        moment -= offset if sign == "+" else -offset
    return moment


def date_time_seconds(text: str) -> float:
    """The magnitude of a DV_DATE_TIME. Raises ValueError, without the text, for no date-time."""
    if len(text) >= 19 and text[7] == "-" and text[10] == "T" and text[13] == text[16] == ":":
        try:  # the whole, extended form, read by the interpreter's own C
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass  # 24:00:00, or a fault to be named below
        else:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    day, mark, time = text.partition("T")
    if not mark:
        return date_seconds(day)
    if len(day) < 8:
        raise ValueError("a time of day needs a whole date")
    return date_seconds(day) + time_seconds(time)


def duration_seconds(text: str) -> float:
    """The magnitude of a DV_DURATION. Raises ValueError, without the text, for no duration."""
    found = _DURATION.fullmatch(text)
    if found is None or not found.group(0)[-1].isalpha() or text[-1] in "PT":
        raise ValueError("no ISO 8601 duration")
    minus, years, months, weeks, days, hours, minutes, seconds = found.groups()
    total = (
        int(years or 0) * 365.24 * _DAY
        + int(months or 0) * 30.42 * _DAY
        + int(weeks or 0) * 7 * _DAY
        + int(days or 0) * _DAY
        + int(hours or 0) * 3600
        + int(minutes or 0) * 60
        + float((seconds or "0").replace(",", "."))
    )
    return -total if minus else total
