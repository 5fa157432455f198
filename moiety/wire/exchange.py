"""One HTTP call between services: the key as a header, the error rebuilt at the other end."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from moiety.kit.errors import BY_CODE, Defect, Unavailable
from moiety.kit.trust import authorities

_BY_STATUS = {int(kind.status): kind for kind in BY_CODE.values()}
# An idle connection is let go long before the service would close it (--timeout-keep-alive 75):
# where both took the same time, a call could go out on a connection that was just being closed.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=5)


def connect(url: str, key: str, *, timeout: float = 10.0) -> httpx.Client:
    """A client of the service at `url` that sends `key`; the caller closes it.  Seconds.

    Neither redirects nor proxy settings of the environment are followed: a key goes to the address
    that was configured and to no other.
    """
    return httpx.Client(
        base_url=url.rstrip("/"),
        headers={"Authorization": f"Bearer {key}", "User-Agent": "moiety"},
        timeout=timeout,
        limits=_LIMITS,
        trust_env=False,
        verify=authorities(),
    )


def call(
    client: httpx.Client,
    method: str,
    path: str,
    *,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """The answer to one request.  Raises the ServiceError that the other service answered with.

    No answer at all is Unavailable: whether the request was carried out is then not known.
    """
    try:
        answer = client.request(method, path, json=json, data=form, headers=headers)
    except httpx.HTTPError as error:
        raise Unavailable(f"A peer service does not answer ({type(error).__name__}).") from None
    if answer.is_success:
        return answer
    raise _rebuild(answer)


def _rebuild(answer: httpx.Response) -> Exception:
    try:
        document = msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    shape = document if isinstance(document, dict) else {}
    kind = BY_CODE.get(shape.get("code", ""), _BY_STATUS.get(answer.status_code, Defect))
    message, findings = shape.get("message"), shape.get("validationErrors", ())
    if issues := shape.get("issue"):  # an OperationOutcome
        message = issues[0].get("diagnostics")
        findings = [{"path": path} for each in issues for path in each.get("expression", ())]
    headers = {
        name: answer.headers[name] for name in ("ETag", "Retry-After") if name in answer.headers
    }
    return kind(message, findings=findings, headers=headers)
