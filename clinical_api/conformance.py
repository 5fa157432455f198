"""The conformance profile: this service as clients and test suites written for EHRbase expect it.

It is for one machine and for nobody's records: no key is asked for, or Basic authentication with
two users; every subject id is taken for a pseudonym, and the identifier screen only records.  So it
answers on loopback alone.  A request that reaches any other address of this machine, comes from
another one, or was made by a web page of another origin is refused, and a process that listens on
any other address stops itself.
"""

import asyncio
import base64
import hmac
import ipaddress
import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog
from fastapi import APIRouter, FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from clinical_api.settings import Settings
from moiety.kit.errors import Forbidden, ServiceError, Unauthenticated
from moiety.kit.problems import rendered
from moiety.kit.settings import SettingsError
from moiety.kit.tasks import beside

SYSTEM_ID = "local.ehrbase.org"
PREFIX = "/ehrbase/rest"
OPEN_PATHS = frozenset({"/health", "/ready", "/metrics"})
_LISTENING = "0A"
_LOOKS = (0.2, 1.0, 5.0)


class User(msgspec.Struct, frozen=True):
    """A user of the profile, and the key that stands for them inside."""

    name: str
    password: str
    key: str


class Users(msgspec.Struct, frozen=True):
    """The two users: one may administer, the other may not."""

    admin: User
    user: User


def settings_of(settings: Settings) -> Settings:
    """The settings that the profile fixes.  Raises SettingsError without its users."""
    read_users(settings)
    return replace(
        settings, system_id=SYSTEM_ID, subject_ids="opaque", etag="strong", new_ehrs="visible",
        screen_national="record", screen_other="record", screen_own="off",
        misplaced="drop",
    )  # fmt: skip


def read_users(settings: Settings) -> Users:
    """The users of the settings.  Raises SettingsError."""
    try:
        return msgspec.json.decode(settings.conformance_users or "", type=Users)
    except msgspec.DecodeError:
        raise SettingsError(
            "The conformance profile is started by `moiety up --profile conformance`, which writes"
            " the file of its users (CONFORMANCE_USERS_FILE)."
        ) from None


def mounted(routers: Sequence[APIRouter], *others: APIRouter) -> APIRouter:
    """The same routes under the other prefix, and with them `others`, which stand there too."""
    again = APIRouter(prefix=PREFIX)
    for router in (*routers, *others):
        again.include_router(router, include_in_schema=False)
    return again


@dataclass
class Gate:
    """ASGI middleware: only this machine, and its own pages, come in; each as one of the users."""

    app: ASGIApp
    settings: Settings

    def __post_init__(self) -> None:
        """Read the users once."""
        self._users = read_users(self.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            try:
                _demand_loopback(scope)
                self._admit(scope)
            except ServiceError as error:
                await rendered(scope, error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        """Let the key of the user stand where the credentials stood."""
        if scope["path"] in OPEN_PATHS:
            return
        said = Headers(scope=scope).get("authorization", "")
        if said.lower().startswith("bearer mty_"):
            return
        user = self._users.admin
        if self.settings.conformance_auth == "basic":
            user = self._of_password(said)
        scope["headers"] = [
            *((name, text) for name, text in scope["headers"] if name != b"authorization"),
            (b"authorization", f"Bearer {user.key}".encode()),
        ]

    def _of_password(self, said: str) -> User:
        scheme, _, coded = said.partition(" ")
        name = password = b""
        if scheme.lower() == "basic":
            with suppress(ValueError):
                name, _, password = base64.b64decode(coded.strip(), validate=True).partition(b":")
        for user in (self._users.admin, self._users.user):
            same = hmac.compare_digest(name, user.name.encode())
            if hmac.compare_digest(password, user.password.encode()) and same:
                return user
        raise Unauthenticated(
            "The name and password of a user are needed.",
            headers={"WWW-Authenticate": 'Basic realm="Moiety conformance profile"'},
        )


def _demand_loopback(scope: Scope) -> None:
    """Raises Forbidden for what came from, to, or by way of anything but this machine."""
    headers = Headers(scope=scope)
    hosts = [f"//{headers.get('host', '')}"]
    if (origin := headers.get("origin")) is not None:
        hosts.append(origin)
    addresses = [(scope.get(end) or ("",))[0] for end in ("server", "client")]
    if not all(_is_loopback(one) for one in (*addresses, *map(_host, hosts))):
        raise Forbidden("The conformance profile answers this machine alone.")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# --- the watch -----------------------------------------------------------------------------------


def guarded(_app: FastAPI) -> AbstractAsyncContextManager[None]:
    """While the service runs: end the process if it listens on any other address."""
    return beside([_watch()])


async def _watch() -> None:
    """The server listens only after its application has started, so it is looked at after that."""
    for pause in _LOOKS:
        await asyncio.sleep(pause)
        if listens_elsewhere():
            structlog.get_logger().error("conformance profile on another address than loopback")
            signal.raise_signal(signal.SIGTERM)
            return


def listens_elsewhere() -> bool:
    """Whether this process has a listening TCP socket on anything but loopback (Linux)."""
    own = set(_own_sockets())
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path("/proc/self/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and fields[9] in own and not _local(fields[1]):
                    return True
    return False


def _own_sockets() -> Iterator[str]:
    """The inodes of this process's sockets."""
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            target = str(entry.readlink())
            if target.startswith("socket:["):
                yield target[8:-1]


def _local(address: str) -> bool:
    """Whether an address of /proc/net/tcp (words in the machine's byte order) is loopback."""
    text = bytes.fromhex(address.partition(":")[0])
    words = [text[i : i + 4][::-1] for i in range(0, len(text), 4)]
    found = ipaddress.ip_address(b"".join(words))
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
