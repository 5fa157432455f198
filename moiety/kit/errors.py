"""What can go wrong, as the outside may learn it.

Our exception hierarchy:

ServiceError
├── Malformed              400  not JSON, not the model, a query that does not parse
├── Unauthenticated        401  no caller, or one we do not know
├── Forbidden              403  a caller who may not
├── NotFound               404  no such thing, or not yours to know of
├── MethodNotAllowed       405  the resource has no such verb
├── NotAcceptable          406  a format we do not write
├── QueryTimeout           408  a query past its limit
├── Conflict               409  the state forbids it
├── VersionConflict        412  If-Match is not the latest version; carries the latest
├── TooLarge               413  a body over the limit
├── UnsupportedMediaType   415  a format we do not read
├── Unprocessable          422  well-formed, but breaks a template or a rule; carries findings
├── TooMany                429  slow down
├── Defect                 500  ours; the trace id finds it in the log
├── NotSupported           501  valid, and not built yet
└── Unavailable            503  the database or a peer is away; try again

The class docstring is the default message.  `code` is the stable name on the wire.
A message carries paths, kinds, ids and counts, never a value from a record.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar


class ServiceError(Exception):
    """The request failed."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(
        self,
        message: str | None = None,
        *,
        findings: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.findings = list(findings)
        self.headers = dict(headers or {})
        super().__init__(self.message)

    @property
    def code(self) -> str:
        """The stable name on the wire: that of the class above, also for a service's own kind."""
        return next(kind.__name__ for kind in type(self).__mro__ if kind.__module__ == __name__)


class Malformed(ServiceError):
    """The request is not well-formed."""

    status = HTTPStatus.BAD_REQUEST


class Unauthenticated(ServiceError):
    """A valid API key is needed: send it as `Authorization: Bearer mty_…`."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(ServiceError):
    """This key may not do this."""

    status = HTTPStatus.FORBIDDEN


class NotFound(ServiceError):
    """There is no such thing here."""

    status = HTTPStatus.NOT_FOUND


class MethodNotAllowed(ServiceError):
    """The resource does not have this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class NotAcceptable(ServiceError):
    """The formats asked for are not written here."""

    status = HTTPStatus.NOT_ACCEPTABLE


class QueryTimeout(ServiceError):
    """The query ran past its time limit."""

    status = HTTPStatus.REQUEST_TIMEOUT


class Conflict(ServiceError):
    """The present state does not allow this."""

    status = HTTPStatus.CONFLICT


class VersionConflict(ServiceError):
    """The version in `If-Match` is not the latest: read it again, then repeat the change."""

    status = HTTPStatus.PRECONDITION_FAILED


class TooLarge(ServiceError):
    """The body is over the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(ServiceError):
    """The format of the body is not read here."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Unprocessable(ServiceError):
    """The content breaks a rule: see `validationErrors`."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooMany(ServiceError):
    """Too many requests: wait as long as `Retry-After` says."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class Defect(ServiceError):
    """Something went wrong on our side; the trace id finds it in the log."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


class NotSupported(ServiceError):
    """This is valid, but not supported here."""

    status = HTTPStatus.NOT_IMPLEMENTED


class Unavailable(ServiceError):
    """The database or a peer is away: try again shortly."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, message: str | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.headers.setdefault("Retry-After", "1")


BY_CODE: Mapping[str, type[ServiceError]] = {
    kind.__name__: kind for kind in ServiceError.__subclasses__()
}
"""For clients that rebuild an error from its `code`."""
