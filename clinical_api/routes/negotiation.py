"""Formats, Prefer, If-Match, ETag, Location and times (openEHR REST API, overview).

A route asks `body_form` what it is sent and `answer_form` what it is to answer, each from the
formats that the resource has; `resource` and `written` render.  ETags are written in the strong
form here; doors.py turns them into the weak one where that is set.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote
from xml.sax.saxutils import escape

import msgspec
from fastapi import Header, Request, Response

from clinical_api import formats
from clinical_api.formats import XML_DECLARATION, Format
from clinical_api.versions import Written
from moiety.kit.errors import Malformed, NotAcceptable, ServiceError, UnsupportedMediaType
from moiety.openehr import rm

Prefer = Annotated[str | None, Header(alias="Prefer")]
IfMatch = Annotated[str | None, Header(alias="If-Match")]
CANONICAL = (Format.JSON, Format.XML)
"""The formats of every resource."""
BASE = "/openehr/v1"

_VERSION = re.compile(r"([0-9a-fA-F-]{36})::([^:\s]+)::([1-9]\d{0,8})")
_MEDIA = {
    "application/json": Format.JSON,
    "text/json": Format.JSON,
    "application/xml": Format.XML,
    "text/xml": Format.XML,
    "application/openehr.wt.flat+json": Format.FLAT,
    "application/openehr.wt.flat.schema+json": Format.FLAT,
    "application/openehr.wt.structured+json": Format.STRUCTURED,
    "application/openehr.wt.structured.schema+json": Format.STRUCTURED,
}
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


# --- formats -------------------------------------------------------------------------------------


def body_form(request: Request, offered: Sequence[Format] = CANONICAL) -> Format:
    """The format of the body: of `?format=` for JSON or no media type, else of Content-Type.

    Raises UnsupportedMediaType for what `offered` does not hold.
    """
    sent = request.headers.get("content-type", "application/json")
    form = _MEDIA.get(sent.partition(";")[0].strip().lower())
    if form is Format.JSON:
        form = _by_query(request) or form
    if form is None or form not in offered:
        raise UnsupportedMediaType(f"The body may be {_list(offered)}.")
    return form


def demand_xml(request: Request, refusal: type[ServiceError]) -> None:
    """Raise `refusal` unless the body says that it is XML."""
    sent = request.headers.get("content-type", "")
    if _MEDIA.get(sent.partition(";")[0].strip().lower()) is not Format.XML:
        raise refusal("An operational template is sent as application/xml.")


def answer_form(request: Request, offered: Sequence[Format] = CANONICAL) -> Format:
    """The format of the answer: of `?format=`, else what Accept likes best, else JSON.

    Raises NotAcceptable where Accept names nothing of `offered`.
    """
    form = _by_query(request) or best_form(request.headers.get("accept"), offered)
    if form is None or form not in offered:
        raise NotAcceptable(f"The answer may be {_list(offered)}.")
    return form


def best_form(accept: str | None, offered: Sequence[Format]) -> Format | None:
    """What an Accept header likes best of `offered`; the first named of several alike."""
    if accept is None or accept.strip() in {"", "*/*"}:
        return offered[0]
    best: tuple[float, Format | None] = (0.0, None)
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = weight_of(parameters)
        form = _fitting(media, offered)
        if form is not None and weight > best[0]:
            best = (weight, form)
    return best[1]


def answer_media(request: Request, form: Format) -> str:
    """The media type of an answer: by the name that the client calls it, of those it has."""
    for part in request.headers.get("accept", "").split(","):
        media = part.partition(";")[0].strip().lower()
        if _MEDIA.get(media) is form and media.startswith("application/openehr"):
            return media
    return form.value


def _fitting(media: str, offered: Sequence[Format]) -> Format | None:
    if media in {"*/*", "application/*"}:
        return offered[0]
    form = Format.XML if media == "text/*" else _MEDIA.get(media)
    return form if form in offered else None


def weight_of(parameters: Sequence[str]) -> float:
    """How much one entry of Accept is liked, by its parameters."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _by_query(request: Request) -> Format | None:
    if "format=" not in request.scope["query_string"].decode("latin-1"):
        return None
    name = request.query_params.get("format")
    if name is None:
        return None
    if name.upper() == "CANONICAL":  # what some clients call JSON
        return Format.JSON
    if name.upper() not in Format.__members__:
        raise Malformed(f"`format` is one of {', '.join(Format.__members__)}.")
    return Format[name.upper()]


def _list(offered: Sequence[Format]) -> str:
    return " or ".join(form.value for form in offered)


# --- ids, versions, times ------------------------------------------------------------------------


def versions(text: str) -> tuple[str, str, int] | None:
    """Object id, system id and number of a version uid, or None if it is none."""
    found = _VERSION.fullmatch(text)
    return (found[1], found[2], int(found[3])) if found else None


def expected_version(if_match: str | None) -> str:
    """The version uid of If-Match: quoted, unquoted or weak.  Raises Malformed."""
    if if_match is None:
        raise Malformed("An update needs If-Match with the uid of the latest version.")
    text = if_match.strip().removeprefix("W/").strip('"')
    if versions(text) is None:
        raise Malformed("If-Match is not a version uid: object::system::version.")
    return text


_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(Z|[ +-]\d{2}(?::?\d{2})?)?"
)


def moment(text: str | None) -> datetime | None:
    """`version_at_time`: extended ISO 8601, UTC where it names no zone.  Raises Malformed.

    A blank before the zone is a plus sign that was not encoded.
    """
    if text is None:
        return None
    found = _MOMENT.fullmatch(text)
    wrong = Malformed("`version_at_time` is a time in extended ISO 8601: 2026-01-31T10:00:00Z.")
    if found is None:
        raise wrong
    try:
        time = datetime.fromisoformat(
            found[1].replace(",", ".") + (found[2] or "Z").replace(" ", "+")
        )
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None


def location(request: Request, *parts: str) -> str:
    """The absolute URL of something under this API, as the client sees it.

    X-Forwarded-Proto, -Host and -Port say how a proxy was asked; the path is what was asked here.
    """
    path = request.scope["path"]
    prefix = path[: path.index(BASE) + len(BASE)] if BASE in path else BASE
    return "/".join((_origin(request) + prefix, *parts))


def _origin(request: Request) -> str:
    """Scheme, host and port."""
    if not any(name.startswith(b"x-forwarded-") for name, _ in request.scope["headers"]):
        asked = request.headers.get("host", "")
        if _HOST.fullmatch(asked):
            return f"{request.scope['scheme']}://{asked}"
    headers = request.headers
    scheme = _first(headers.get("x-forwarded-proto")) or request.url.scheme
    if scheme not in _DEFAULT_PORTS:
        scheme = request.url.scheme
    forwarded = _HOST.fullmatch(_first(headers.get("x-forwarded-host")))
    port = _first(headers.get("x-forwarded-port"))
    if forwarded is None and not port and "x-forwarded-proto" not in headers:
        return str(request.base_url).rstrip("/")
    host = forwarded or _HOST.fullmatch(request.url.netloc)
    if host is None:
        return str(request.base_url).rstrip("/")
    number = port if port.isdigit() else host[2] or ""
    told = "" if number in {"", _DEFAULT_PORTS[scheme]} else f":{number}"
    return f"{scheme}://{host[1]}{told}"


def _first(value: str | None) -> str:
    """The entry of the proxy nearest to the client."""
    return (value or "").partition(",")[0].strip()


def quoted(name: str) -> str:
    """A name as a header can hold it: percent-encoded where it is not plain."""
    return quote(name, safe="!$&'()*+,:;=@~ " if name.isascii() and "/" not in name else "")


def last_modified(time: datetime) -> str:
    """Last-Modified."""
    return format_datetime(time.astimezone(UTC), usegmt=True)


# --- answers -------------------------------------------------------------------------------------


def resource(
    thing: rm.Any,
    form: Format,
    *,
    headers: dict[str, str] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    root: str | None = None,
) -> Response:
    """An object of the model in the format that was asked for."""
    return Response(formats.encode(thing, form, root=root), status, headers, form.value)


def written(
    result: Written,
    place: str,
    prefer: str | None,
    *,
    status: HTTPStatus,
    empty: HTTPStatus,
    form: Format = Format.JSON,
    rm_class: type[rm.Any] = rm.Composition,
) -> Response:
    """The answer to a write: empty, an identifier or the whole, as the client prefers."""
    headers = {"ETag": f'"{result.uid}"', "Location": place}
    wanted = preference(prefer)
    if prefer is not None:
        headers["Preference-Applied"] = f"return={wanted}"
    if wanted == "representation" and result.document is not None:
        body = formats.recode(result.document, rm_class, form)
        return Response(body, status, headers, form.value)
    if wanted == "identifier":
        return Response(identifier(result.uid, form), status, headers, form.value)
    return Response(status_code=empty, headers=headers)


def preference(prefer: str | None) -> str:
    """What Prefer asks for: representation, identifier or, for all else, minimal."""
    for part in (prefer or "").replace(",", ";").split(";"):
        name, _, value = part.strip().partition("=")
        if name.strip().lower() == "return" and value.strip() in {"representation", "identifier"}:
            return value.strip()
    return "minimal"


def identifier(uid: str, form: Format) -> bytes:
    """The body that holds nothing but an id."""
    if form is Format.XML:
        return XML_DECLARATION + f"<identifier><uid>{escape(uid)}</uid></identifier>".encode()
    return msgspec.json.encode({"uid": uid})
