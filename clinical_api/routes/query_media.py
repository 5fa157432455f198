"""The formats of a result: what a request asks for, and what is written here."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from fastapi import Request

from clinical_api.formats import Format
from clinical_api.routes.negotiation import weight_of
from moiety.kit.errors import Malformed, NotAcceptable


class Media(Enum):
    """The formats of a result."""

    JSON = "application/json"
    CSV = "text/csv"
    NDJSON = "application/x-ndjson"
    ARROW = "application/vnd.apache.arrow.stream"
    PARQUET = "application/vnd.apache.parquet"


_BY_TYPE: Final[Mapping[str, Media]] = {
    **{media.value: media for media in Media},
    "*/*": Media.JSON, "application/*": Media.JSON, "text/json": Media.JSON,
    "text/*": Media.CSV, "application/ndjson": Media.NDJSON,
}  # fmt: skip
FILES: Final[Mapping[Media, str]] = {
    Media.CSV: "csv", Media.NDJSON: "ndjson", Media.ARROW: "arrows", Media.PARQUET: "parquet",
}  # fmt: skip


def media_of(request: Request) -> Media:
    """The format of `?format=`, else what Accept likes best, else JSON.

    Raises Malformed for an unknown name, NotAcceptable for what is not written here.
    """
    named = request.query_params.get("format")
    found = _best(request.headers.get("accept")) if named is None else _named(named)
    if found is None:
        raise NotAcceptable(f"The answer may be {' or '.join(media.value for media in Media)}.")
    if found in {Media.ARROW, Media.PARQUET} and tables() is None:
        raise NotAcceptable(
            "Arrow and Parquet are written where pyarrow is installed with the service:"
            " pip install 'moiety[arrow]'.  CSV and NDJSON need nothing."
        )
    return found


def _named(name: str) -> Media | None:
    if name.upper() == "CANONICAL":  # what some clients call JSON
        return Media.JSON
    if name.upper() in Media.__members__:
        return Media[name.upper()]
    if name.upper() in Format.__members__:
        return None
    raise Malformed(f"`format` is one of {', '.join(Media.__members__)}.")


def _best(accept: str | None) -> Media | None:
    if accept is None or not accept.strip():
        return Media.JSON
    best: tuple[float, Media | None] = (0.0, None)
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        found, weight = _BY_TYPE.get(kind), weight_of(parameters)
        if found is not None and weight > best[0]:
            best = (weight, found)
    return best[1]


def tables() -> Any:
    """The writer of Arrow and Parquet; None without pyarrow, which is an extra."""
    try:
        from clinical_api.results import tables  # noqa: PLC0415  an extra that few install
    except ImportError:
        return None
    return tables
