"""Prefer, If-Match, ETag and Location (openEHR REST API, overview)."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

import msgspec
from fastapi import Header, Request, Response

from clinical_api.compositions import Written
from moiety.kit.errors import Malformed

Prefer = Annotated[str | None, Header(alias="Prefer")]
IfMatch = Annotated[str | None, Header(alias="If-Match")]
_VERSION = re.compile(r"([0-9a-fA-F-]{36})::([^:\s]+)::([1-9]\d{0,8})")


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


def location(request: Request, *parts: str) -> str:
    """The absolute URL of something under this API."""
    return "/".join((f"{str(request.base_url).rstrip('/')}/openehr/v1", *parts))


def written(
    result: Written, place: str, prefer: str | None, *, status: HTTPStatus, empty: HTTPStatus
) -> Response:
    """The answer to a write: empty, an identifier or the whole, as the client prefers."""
    headers = {"ETag": f'"{result.uid}"', "Location": place}
    match _wanted(prefer):
        case "representation" if result.document is not None:
            return _json(result.document, status, headers)
        case "identifier":
            return _json(msgspec.json.encode({"uid": result.uid}), status, headers)
    return Response(status_code=empty, headers=headers)


def _wanted(prefer: str | None) -> str:
    for part in (prefer or "").replace(",", ";").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "return":
            return value
    return "minimal"


def _json(body: bytes, status: HTTPStatus, headers: Mapping[str, str]) -> Response:
    return Response(body, status, dict(headers), "application/json")
