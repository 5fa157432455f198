"""What `POST /token` is asked: a session's refresh, a service's exchange, an outside ID token."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from linkage_vault import exchange, oidc, sessions
from linkage_vault.oidc import Provider
from linkage_vault.sessions import Session
from linkage_vault.vault import Vault
from moiety.kit.credentials import Caller
from moiety.kit.errors import Forbidden, Malformed, NotSupported
from moiety.kit.user_tokens import UserTokens
from moiety.wire.people import ACCESS_TOKEN, ID_TOKEN, TOKEN_EXCHANGE, Token

SIGN_IN = "vault:sign-in"
_FIELDS = frozenset(
    {"grant_type", "refresh_token", "audience", "scope", "subject_token", "subject_token_type",
     "requested_token_type", "nonce"}
)  # fmt: skip


def read_form(body: bytes) -> Mapping[str, str]:
    """The fields of a form, each once and none unknown.  Raises Malformed, without their values."""
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise Malformed("The body is no form (application/x-www-form-urlencoded).") from None
    if not set(found) <= _FIELDS or any(len(values) > 1 for values in found.values()):
        raise Malformed("The form has a field that is unknown, or one twice.")
    return {name: values[0] for name, values in found.items()}


def refresh(vault: Vault, program: Caller, form: Mapping[str, str]) -> Token:
    """A token of a session, for the program that opened it."""
    _demand_sign_in(program)
    with vault.engine.connect() as connection:
        session = sessions.find(connection, form.get("refresh_token", ""), program.key_id)
    return _answer(vault, session, program, form.get("audience", ""))


async def shown_by(program: Caller, form: Mapping[str, str], tokens: UserTokens) -> Caller:
    """The user whose token a service shows.  Raises Forbidden and Unauthenticated."""
    service = exchange.audience_of(program.scopes)
    if form.get("subject_token_type") != ACCESS_TOKEN or form.get("audience") != "vault":
        raise Malformed("A service exchanges an access token, for the audience vault.")
    return await UserTokens(service, tokens.keys).verify(form.get("subject_token", ""))


def for_service(vault: Vault, program: Caller, form: Mapping[str, str], shown: Caller) -> Token:
    """A narrow token in the name of the user whose token a service shows."""
    service = exchange.audience_of(program.scopes)
    if shown.organisation != program.organisation:
        raise Forbidden
    actions = exchange.narrow(service, frozenset(form.get("scope", "").split()))
    session = exchange.session_of(vault, shown, service)
    text, life = sessions.token(vault, session, program, "vault", actions=actions)
    return Token(text, ACCESS_TOKEN, "Bearer", life)


def from_outside(
    vault: Vault, program: Caller, form: Mapping[str, str], provider: Provider | None
) -> Token:
    """A session and a token for an ID token of the outside provider."""
    _demand_sign_in(program)
    if provider is None:
        raise NotSupported("No OpenID provider is configured here.")
    text = form.get("subject_token", "")
    name, _ = provider.name_of(text, nonce=form.get("nonce"))
    if not exchange.spend(vault, oidc.use_of(text), 86_400):
        raise Forbidden("This ID token has opened a session already.")
    with vault.engine.begin() as connection:
        user_id = oidc.account_of(connection, name)
        secret = sessions.start(connection, user_id, program.key_id)
        session = sessions.find(connection, secret, program.key_id)
    return _answer(vault, session, program, form.get("audience", ""), opened=secret)


def kind_of(form: Mapping[str, str]) -> str:
    """refresh, exchange or outside.  Raises Malformed."""
    match form.get("grant_type"), form.get("subject_token_type"):
        case "refresh_token", None:
            return "refresh"
        case grant, kind if grant == TOKEN_EXCHANGE and kind == ID_TOKEN:
            return "outside"
        case grant, _ if grant == TOKEN_EXCHANGE:
            return "exchange"
    raise Malformed("grant_type is refresh_token or that of RFC 8693.")


def demand_passwords(provider: Provider | None) -> None:
    """Passwords are taken where no outside provider is.  Raises NotSupported."""
    if provider is not None:
        raise NotSupported("People sign in at the OpenID provider here.")


def _demand_sign_in(program: Caller) -> None:
    if SIGN_IN not in program.scopes:
        raise Forbidden(f"This key lacks the scope {SIGN_IN}.")


def _answer(
    vault: Vault, session: Session, program: Caller, audience: str, *, opened: str | None = None
) -> Token:
    text, life = sessions.token(vault, session, program, audience)
    return Token(text, ACCESS_TOKEN, "Bearer", life, opened)
