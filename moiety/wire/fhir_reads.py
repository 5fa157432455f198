"""GET from a FHIR R4 server that is somebody else's: bounded in time and size, kept for a while.

The server may be slow, broken or hostile to us: nothing that it does may hold a request or fill the
memory.  Its own words are not repeated, since they may quote what it was asked.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
import msgspec

from moiety.kit.errors import Unavailable, Unprocessable
from moiety.kit.keeping import Keeping
from moiety.kit.trust import authorities

T = TypeVar("T")
_KEPT_SECONDS = 300.0
_KEPT_MOST = 2000
_AWAY_SECONDS = 5.0
_LARGEST = 16 * 2**20
_ISSUE = re.compile(r"[a-z-]{1,30}")
_NEVER_ITS_FAULT = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_TIMEOUT,
     HTTPStatus.TOO_MANY_REQUESTS}
)  # fmt: skip


class Issue(msgspec.Struct):
    """OperationOutcome.issue, as far as we read it."""

    code: str = ""


class Outcome(msgspec.Struct):
    """OperationOutcome."""

    issue: list[Issue] = []


@dataclass(frozen=True, slots=True, eq=False)
class FhirServer:
    """A client; `connect` makes it.  `seconds` bound a whole answer, not only each part of it."""

    http: httpx.Client
    seconds: float
    kept: Keeping[Any] = field(
        default_factory=lambda: Keeping(seconds=_KEPT_SECONDS, most=_KEPT_MOST)
    )
    away: Keeping[bool] = field(default_factory=lambda: Keeping(seconds=_AWAY_SECONDS, most=1))

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


def connect(url: str, token: str | None = None, *, seconds: float = 5.0) -> FhirServer:
    """A client of the FHIR R4 server whose base is `url`; the caller closes it.

    Neither redirects nor proxy settings of the environment are followed: the token goes to the
    address that was configured and to no other.
    """
    headers = {
        "Accept": "application/fhir+json",
        "Accept-Encoding": "identity",  # so that the size that arrives is the size that is bounded
        "User-Agent": "moiety",
    }
    if token:
        headers["Authorization"] = f"Bearer {token}"
    http = httpx.Client(
        base_url=url.rstrip("/"), headers=headers, timeout=seconds, trust_env=False,
        verify=authorities(), follow_redirects=False,
    )  # fmt: skip
    return FhirServer(http, seconds)


def read(server: FhirServer, path: str, parameters: Mapping[str, str], kind: type[T]) -> T:
    """The resource at `path`, as far as `kind` names its parts; also one of some minutes ago.

    Raises Unavailable when the server does not answer, not in time or not in FHIR, and
    Unprocessable when it refuses the question.
    """
    key = (path, tuple(sorted(parameters.items())))
    found = server.kept.get(key, None)
    if found is None:
        if server.away.get("", default=False):
            raise _silent()
        try:
            status, body = _get(server, path, parameters)
        except httpx.HTTPError:
            server.away.put("", value=True)
            raise _silent() from None
        found = _resource(path, status, body, kind)
        server.kept.put(key, found)
    return found  # type: ignore[no-any-return]  # a path is always read as the same kind


def _get(server: FhirServer, path: str, parameters: Mapping[str, str]) -> tuple[int, bytes]:
    until = time.monotonic() + server.seconds
    body = bytearray()
    with server.http.stream("GET", path, params=dict(parameters)) as answer:
        for some in answer.iter_raw():
            body += some
            if len(body) > _LARGEST:
                raise Unprocessable(
                    f"The terminology server's answer is longer than {_LARGEST >> 20} MiB."
                )
            if time.monotonic() > until:
                raise httpx.ReadTimeout("")
        return answer.status_code, bytes(body)


def _resource(path: str, status: int, body: bytes, kind: type[T]) -> T:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _NEVER_ITS_FAULT:
        raise Unavailable(f"The terminology server answers {status}.")
    if status >= HTTPStatus.BAD_REQUEST:
        raise Unprocessable(f"The terminology server refuses {path} ({_issue(body) or status}).")
    try:
        if status != HTTPStatus.OK:
            raise ValueError  # noqa: TRY301  a redirect, or nothing
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError):
        raise Unavailable("The terminology server's answer is no FHIR R4.") from None


def _issue(body: bytes) -> str:
    """The kind of the first issue, if it is one of FHIR's: the word alone."""
    try:
        outcome = msgspec.json.decode(body, type=Outcome)
    except (ValueError, RecursionError):
        return ""
    code = outcome.issue[0].code if outcome.issue else ""
    return code if _ISSUE.fullmatch(code) else ""


def _silent() -> Unavailable:
    return Unavailable("The terminology server does not answer.")
