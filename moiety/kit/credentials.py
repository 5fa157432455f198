"""API keys: `mty_<organisation>_<key id>_<secret>`, shown once and stored as a hash.

The secret has 256 random bits, so a plain SHA-256 keeps it: a slow hash guards short passwords,
and would only slow every request here.  The organisation part chooses the connection pool before
anything is looked up; the key id chooses the row; the secret is compared in constant time.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from moiety.kit.errors import Unauthenticated

ORGANISATION = re.compile(r"[a-z][a-z0-9]{0,30}")
_TOKEN = re.compile(r"mty_([a-z][a-z0-9]{0,30})_([0-9a-f]{12})_([A-Za-z0-9-]{43})")
LONGEST_LIFE = timedelta(days=90)
CALLER = "moiety.caller"
"""Where `Require` leaves the caller in the scope of a request."""
BESIDE = "moiety.beside"
"""Where it leaves what a service's own look-up of keys answers beside the columns of LOOK_UP."""


@dataclass(frozen=True, slots=True)
class Token:
    """The three parts of a key as it travels."""

    organisation: str
    key_id: str
    secret: str

    def __repr__(self) -> str:
        """Everything but the secret."""
        return f"Token({self.organisation}, {self.key_id})"

    def __str__(self) -> str:
        """The key as it is sent; print it once and never again."""
        return f"mty_{self.organisation}_{self.key_id}_{self.secret}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a program's key, a person's, or a person's token.

    `user_id` is None for a program.  Of a token, `program` is the key that the person signed in
    through, `token_id` its own name, and `actions` all that one narrow token allows (None: whatever
    the roles do).
    """

    organisation: str
    key_id: str
    scopes: frozenset[str]
    user_id: UUID | None
    roles: frozenset[str] = frozenset()
    token_id: str | None = None
    session_id: UUID | None = None
    program: str | None = None
    actions: frozenset[str] | None = None


def table(metadata: sa.MetaData) -> sa.Table:
    """The table of keys that one service accepts, in that service's own database."""
    return sa.Table(
        "api_key",
        metadata,
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("user_id", sa.Uuid),
        sa.Column("expires", sa.Date, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("last_used", sa.Date),  # the first day of the month
        sa.Column("sources", ARRAY(sa.Text)),  # networks that it may come from; null: any
    )


def mint(organisation: str) -> Token:
    """A new random key for an organisation."""
    if not ORGANISATION.fullmatch(organisation):
        raise ValueError("an organisation is named by a letter and up to 30 letters or digits")
    # The token alphabet has no underscore, which separates the parts.
    secret = secrets.token_urlsafe(32).replace("_", "-")
    return Token(organisation, secrets.token_hex(6), secret)


def parse(header: str | None) -> Token:
    """The key of an `Authorization` header.  Raises Unauthenticated."""
    scheme, _, text = (header or "").partition(" ")
    found = _TOKEN.fullmatch(text.strip())
    if scheme.lower() != "bearer" or found is None:
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    return Token(*found.groups())


def store(
    connection: sa.Connection,
    keys: sa.Table,
    token: Token,
    *,
    label: str,
    scopes: frozenset[str],
    life: timedelta = LONGEST_LIFE,
    user_id: UUID | None = None,
    sources: Sequence[str] | None = None,
) -> None:
    """Keep the hash of `token` with what it may do, and from which networks if not from any.

    Raises ValueError over 90 days of life, and for what is no network.
    """
    for network in sources or ():
        ip_network(network)
    if not timedelta(0) < life <= LONGEST_LIFE:
        raise ValueError("a key lives at most 90 days")
    connection.execute(
        keys.insert().values(
            key_id=token.key_id,
            secret_hash=_digest(token.secret),
            label=label,
            scopes=sorted(scopes),
            user_id=user_id,
            sources=None if sources is None else list(sources),
            expires=(datetime.now(UTC) + life).date(),
        )
    )


LOOK_UP = (
    b"SELECT q.number, key_id, secret_hash, scopes, user_id, expires, revoked, last_used, sources"
    b" FROM unnest($1::text[]) WITH ORDINALITY AS q(key_id, number) JOIN api_key USING (key_id)"
)
"""What `verify` needs to know of some keys: asked at every request, so that a revoked key is felt
by the next one.  The number is not part of a key's row."""
COLUMNS = 8
"""The columns of a key's row."""


def verify(token: Token, row: tuple[Any, ...] | None, *, source: str | None = None) -> Caller:
    """The caller behind `token`, by its row of LOOK_UP, or of a statement that answers more.

    Raises Unauthenticated, always the same.

    An unknown key id is compared too, so that it costs the same time as a wrong secret.
    `source`: the address that the request came from, for a key that is bound to some.
    """
    _, expected, scopes, user_id, expires, revoked, _, sources, *_ = row or _UNKNOWN
    same = hmac.compare_digest(expected, _digest(token.secret))
    bound = sources is not None and not _is_within(source, sources)
    if not same or revoked or bound or expires < datetime.now(UTC).date():
        raise Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return Caller(token.organisation, token.key_id, frozenset(scopes), user_id)


USED = (
    b"UPDATE api_key SET last_used = date_trunc('month', now() AT TIME ZONE 'UTC')::date"
    b" WHERE key_id = $1 RETURNING key_id"
)
"""Says that a key is used: the month, and no finer time."""


def is_first_use(row: tuple[Any, ...]) -> bool:
    """Whether the row of a key says nothing yet of this month."""
    last_used: date | None = row[6]
    return last_used is None or last_used < datetime.now(UTC).date().replace(day=1)


def _is_within(source: str | None, networks: Sequence[str]) -> bool:
    try:
        address = ip_address(source or "")
    except ValueError:
        return False
    return any(address in ip_network(network) for network in networks)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


_UNKNOWN = ("", _digest("none"), (), None, date.min, True, None, None)
