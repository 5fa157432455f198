"""Places outside that are told something in one line: files, syslog, HTTP.

    file:/path                  appended to, and on the disk before it counts as told
    syslog:host:port            a datagram (RFC 5426): whether it came nobody knows
    syslog+tcp:host:port        a connection, with the length before each message (RFC 6587 §3.4.1)
    http://… https://…          a POST of JSON, which a 2xx acknowledges

A syslog message is of RFC 5424, facility authpriv, without a time of its own.
"""

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from moiety.kit.settings import SettingsError
from moiety.kit.trust import authorities

TIMEOUT = 10.0  # seconds
ERRORS = (OSError, httpx.HTTPError)
"""What telling a target that is away may raise."""
INFO, ALERT = 6, 1
"""Severities of syslog (RFC 5424 §6.2.1)."""
_AUTHPRIV = 10
_HTTP = ("http", "https")
_SYSLOG = ("syslog", "syslog+tcp")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to: `kind` is file, syslog, syslog+tcp or http; `address` a path, host:port or URL."""

    kind: str
    address: str


def read_targets(text: str, *, what: str) -> list[Target]:
    """The targets of a setting, separated by spaces.  Raises SettingsError."""
    return [_target(word, what) for word in text.split()]


def send(target: Target, line: str, *, severity: int = INFO) -> None:
    """Tells a target one line.  Raises what `ERRORS` names when it is away."""
    match target.kind:
        case "file":
            _append(target.address, line)
        case "http":
            _post(target.address, line)
        case kind:
            _log(target.address, line, severity, is_stream=kind == "syslog+tcp")


def _target(word: str, what: str) -> Target:
    scheme, _, rest = word.partition(":")
    if scheme not in {"file", *_SYSLOG, *_HTTP} or not rest:
        raise SettingsError(
            f"{what} is file:/path, syslog:host:port, syslog+tcp:host:port,"
            " or an http or https address."
        )
    if scheme in _HTTP:
        if not urlsplit(word).hostname:
            raise SettingsError(f"The address of {what.lower()} has a host: https://host/path.")
        return Target("http", word)
    host, _, port = rest.rpartition(":")
    if scheme in _SYSLOG and not (host and port.isdecimal()):
        raise SettingsError(f"The syslog of {what.lower()} is {scheme}:host:port.")
    return Target(scheme, rest)


def _append(path: str, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "w") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def _log(address: str, line: str, severity: int, *, is_stream: bool) -> None:
    host, _, port = address.rpartition(":")
    message = f"<{8 * _AUTHPRIV + severity}>1 - - moiety-vault - - - {line}".encode()
    if is_stream:
        with socket.create_connection((host, int(port)), timeout=TIMEOUT) as connection:
            connection.sendall(b"%d %s" % (len(message), message))
            connection.shutdown(socket.SHUT_WR)
            # A receiver that read it all closes; one that only keeps the connection has it too.
            with suppress(TimeoutError):
                connection.recv(1)
        return
    family, kind, _, _, place = socket.getaddrinfo(host, int(port), type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as sender:
        sender.sendto(message, place)


def _post(url: str, line: str) -> None:
    headers = {"Content-Type": "application/json"}
    httpx.post(
        url, content=line, headers=headers, timeout=TIMEOUT, trust_env=False, verify=authorities()
    ).raise_for_status()
