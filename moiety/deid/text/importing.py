"""Open lists of a site's surroundings → phrases for `Options.lists`.

The lists are not shipped: they change every month, and each has a licence of its own.  These
functions take the lines of the files as they are published; reading the files is the caller's.

    ODS        organisations of the NHS: hospitals, trusts, GP practices (OGL v3), 27 columns, no head
    postcodes  ONS Postcode Directory: column `pcds` or `pcd`
    streets    OS Open Names: names of roads, column NAME1 of rows whose LOCAL_TYPE is a road
"""

import csv
from collections.abc import Iterable, Iterator

from moiety.deid.text.labels import Label

_NAME, _CODE, _POSTCODE = 1, 0, 9


class BadList(ValueError):
    """A file that is not the list that it was said to be; the message says what is missing."""


def organisations(lines: Iterable[str], label: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names (as `label`) and codes (as GP_IDENTIFIER for practices) of an ODS file.

    Raises BadList where a row has fewer than ten columns, with the number of the row.
    """
    names, codes = [], []
    for number, row in enumerate(csv.reader(lines), start=1):
        if len(row) <= _POSTCODE:
            raise BadList(f"Row {number} has {len(row)} columns; an ODS file has 27")
        names.append(row[_NAME].strip())
        codes.append(row[_CODE].strip())
    lists: list[tuple[str, tuple[str, ...]]] = [(label, _distinct(names))]
    if label == Label.GP_IDENTIFIER:
        lists.append((Label.GP_IDENTIFIER.value, _distinct(codes)))
    return tuple(lists)


def postcodes(lines: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """Every postcode of an ONS Postcode Directory.  Raises BadList without a postcode column."""
    return Label.POSTCODE.value, _distinct(_column(lines, ("pcds", "pcd2", "pcd")))


def streets(lines: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """Every named road of OS Open Names.  Raises BadList where the columns are not there."""
    reader = csv.DictReader(lines)
    if not {"NAME1", "LOCAL_TYPE"} <= set(reader.fieldnames or ()):
        raise BadList("The columns NAME1 and LOCAL_TYPE are missing: is it OS Open Names?")
    named = (row["NAME1"] for row in reader if "road" in (row["LOCAL_TYPE"] or "").lower())
    return Label.ADDRESS_LINE.value, _distinct(named)


def _column(lines: Iterable[str], names: tuple[str, ...]) -> Iterator[str]:
    reader = csv.DictReader(lines)
    column = next((name for name in names if name in (reader.fieldnames or ())), None)
    if column is None:
        raise BadList(f"None of the columns {', '.join(names)} is there")
    return (row[column] or "" for row in reader)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Names of three characters and more, each once, in the order of the file."""
    return tuple(dict.fromkeys(name for name in names if len(name) > 2))
