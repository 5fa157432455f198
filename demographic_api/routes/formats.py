"""Which formats are read and written; versions as `ETag` and `If-Match`."""

import re
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from fastapi import Request, Response

from demographic_api.outcomes import MEDIA_TYPE
from demographic_api.persons import Version, etag
from moiety.kit.errors import Malformed, NotAcceptable, NotFound, UnsupportedMediaType

JSON = frozenset({MEDIA_TYPE, "application/json", "json", "text/json"})
FORM = "application/x-www-form-urlencoded"
_ANY = frozenset({"*/*", "application/*"})
_ETAG = re.compile(r'(?:W/)?"([1-9][0-9]{0,8})"')


def check_formats(request: Request) -> None:
    """Raises NotAcceptable or UnsupportedMediaType for anything but JSON."""
    accepted = {_bare(part) for part in request.headers.get("accept", "*/*").split(",")}
    asked = request.query_params.get("_format")
    if asked is not None:
        accepted = {_bare(asked.replace(" ", "+"))}  # a plus sign in a query is read as a space
    if not accepted & (JSON | _ANY):
        raise NotAcceptable("FHIR resources are written as JSON here.")
    sent = _bare(request.headers.get("content-type", ""))
    if request.method == "PUT" and sent not in JSON:
        raise UnsupportedMediaType("FHIR resources are read as JSON here.")
    if request.method == "POST" and sent not in (FORM if _is_search(request) else JSON):
        raise UnsupportedMediaType("Resources are read as JSON and searches as a form.")


def read_id(text: str) -> UUID:
    """A person's id in a path; what is no UUID names nobody.  Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def read_preceding(request: Request) -> int:
    """The version in `If-Match`.  Raises Malformed without one: nobody overwrites unseen."""
    found = _ETAG.fullmatch(request.headers.get("if-match", "").strip())
    if found is None:
        raise Malformed('An update names the version it replaces: If-Match: W/"1".')
    return int(found.group(1))


def read_form(body: bytes) -> list[tuple[str, str]]:
    """The parameters of a posted search.  Raises Malformed."""
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=32)
    except ValueError:
        raise Malformed("The form is not readable.") from None


def render(content: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A resource as FHIR JSON that no cache keeps."""
    return Response(
        msgspec.json.encode(content),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def render_version(version: Version, *, status: int = 200, location: str = "") -> Response:
    """A version of a Patient with its `ETag`, and its `Location` where it is new."""
    headers = {"ETag": etag(version.number)}
    if location:
        headers["Location"] = f"{location}/{version.person_id}/_history/{version.number}"
    return render(version.resource(), status=status, headers=headers)


def _is_search(request: Request) -> bool:
    return request.url.path.endswith("/_search")


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
