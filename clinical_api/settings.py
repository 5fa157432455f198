"""What the environment sets for the clinical service: MOIETY_CLINICAL_<NAME>."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from moiety.kit import settings
from moiety.kit.settings import SettingsError, secret

PREFIX = "MOIETY_CLINICAL"


@dataclass(frozen=True, slots=True)
class Settings:
    """One clinical service."""

    # Where the database is: its URL, in a file; or a folder with <organisation>.url files.
    database_url: str | None = secret(default=None)
    organisation: str = "main"
    organisations_folder: Path | None = None
    # standard, or conformance: for tests on one machine alone (see conformance.py).
    profile: str = "standard"
    # In the conformance profile: the users, their passwords and keys, as `moiety up` writes them;
    # and whether they are asked for (basic) or everybody is the administrator (none).
    conformance_users: str | None = secret(default=None)
    conformance_auth: str = "none"
    # The part of every version id that names the system: object::system::version.
    system_id: str = "moiety.local"
    # The only namespace in which EHR_STATUS.subject may carry an id, and that id a random UUID.
    subject_namespace: str = "moiety"
    # What a subject's id may be: random (a random UUID in that namespace), or opaque (any id in any
    # namespace, taken for a pseudonym: only where every caller is known to send pseudonyms).
    subject_ids: str = "random"
    # ETag as the openEHR REST API 1.0.3 has it (strong) or as 1.1.0 does (weak).
    etag: str = "strong"
    # Whether queries see an EHR from its first write on (pooled) or at once (visible).
    new_ehrs: str = "pooled"
    # What the identifier screen does with what it finds: reject, record or off.
    screen_national: str = "reject"
    screen_other: str = "record"
    # The own-identifier screen: the vault that is asked, with which key, and the key under which
    # words become tokens (64 hexadecimal digits, shared with the demographic service).  What a
    # subject's own word does (seal, record or off), and when the vault is away (later or refuse).
    vault_url: str = ""
    vault_key: str | None = secret(default=None)
    screen_key: str | None = secret(default=None)
    vault_timeout: float = 5.0
    screen_own: str = "seal"
    screen_away: str = "later"
    screen_interval: float = 10.0  # seconds between looks for records to be screened again
    # What seals the log of who read which record (64 hexadecimal digits); without it none is kept.
    access_key: str | None = secret(default=None)
    # What signs webhooks' messages, in a file; without it none can be registered.
    webhook_key: str | None = secret(default=None)
    # Where webhooks may point: public (https, public addresses), private (also networks that are
    # not public, and http to this machine itself), any (also plain http).
    webhook_targets: str = "public"
    # An attribute that stands where the model has none, but is one of another class: refuse the
    # document, or drop the attribute and log how many there were.
    misplaced: str = "refuse"
    # Seconds before the second try; it doubles with each, up to an hour.  After so many tries, or
    # a day, an event is a dead letter.
    webhook_pause: float = 5.0
    webhook_tries: int = 30
    # Queries: how many rows and octets one RESULT_SET may have; seconds for an answer, and for one
    # that is streamed; the most that a population query may cost by its estimate (0: any).
    query_rows: int = 250_000
    query_octets: int = 256 * 1024 * 1024
    query_seconds: float = 30.0
    query_stream_seconds: float = 3600.0
    query_cost: float = 0.0
    # Population queries: how many a client runs at once, all clients together (a connection each),
    # and the seconds that one waits for its turn.
    query_concurrency: int = 4
    query_connections: int = 8
    query_patience: float = 1.0
    # Processes that evaluate documents (0: none, in threads; -1: half of the processors).
    query_workers: int = -1
    # A FHIR R4 terminology server: for AQL's TERMINOLOGY, and for value sets that templates name.
    # Seconds for one question; and whether a code passes that can't be asked for (accept), or the
    # document is refused.
    terminology_url: str | None = None
    terminology_token: str | None = secret(default=None)
    terminology_timeout: float = 5.0
    terminology_away: str = "refuse"
    connections: int = 16
    threads: int = 40
    body_limit: int = 8 * 1024 * 1024
    # Where the vault publishes its key set (…/vault/v1/keys); without it only API keys are taken.
    vault_keys_url: str = ""
    # An OpenTelemetry collector (OTLP over HTTP, …/v1/traces) that spans are sent to.
    traces_url: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings.  Raises SettingsError with one sentence."""
        found = settings.read(cls, PREFIX, environ)
        _one_of("PROFILE", found.profile, ("standard", "conformance"))
        _one_of("CONFORMANCE_AUTH", found.conformance_auth, ("none", "basic"))
        _one_of("SUBJECT_IDS", found.subject_ids, ("random", "opaque"))
        _one_of("ETAG", found.etag, ("strong", "weak"))
        _one_of("NEW_EHRS", found.new_ehrs, ("pooled", "visible"))
        _one_of("SCREEN_NATIONAL", found.screen_national, ("reject", "record", "off"))
        _one_of("SCREEN_OTHER", found.screen_other, ("reject", "record", "off"))
        _one_of("SCREEN_OWN", found.screen_own, ("seal", "record", "off"))
        _one_of("SCREEN_AWAY", found.screen_away, ("later", "refuse"))
        if found.vault_url and found.organisations_folder is None:
            for name in ("vault_key", "screen_key"):
                if getattr(found, name) is None:
                    raise SettingsError(f"{PREFIX}_VAULT_URL needs {PREFIX}_{name.upper()}_FILE.")
        _one_of("MISPLACED", found.misplaced, ("refuse", "drop"))
        _one_of("WEBHOOK_TARGETS", found.webhook_targets, ("public", "private", "any"))
        _at_least("QUERY_ROWS", found.query_rows, 1)
        _at_least("QUERY_OCTETS", found.query_octets, 1)
        _at_least("QUERY_CONCURRENCY", found.query_concurrency, 1)
        _at_least("QUERY_CONNECTIONS", found.query_connections, 1)
        _at_least("QUERY_WORKERS", found.query_workers, -1)
        for name in ("query_seconds", "query_stream_seconds"):
            if not getattr(found, name) > 0:
                raise SettingsError(f"{PREFIX}_{name.upper()} must be more than 0 seconds.")
        _one_of("TERMINOLOGY_AWAY", found.terminology_away, ("refuse", "accept"))
        _demand_url("TERMINOLOGY_URL", found.terminology_url)
        return found


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise SettingsError(f"{PREFIX}_{name} must be at least {least}.")


def _demand_url(name: str, value: str | None) -> None:
    if value is not None and not value.startswith(("https://", "http://")):
        raise SettingsError(f"{PREFIX}_{name} must be an address that starts with https://.")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingsError(f"{PREFIX}_{name} must be one of {', '.join(known)}.")
