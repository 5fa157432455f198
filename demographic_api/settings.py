"""What the environment sets for the demographic service: MOIETY_DEMOGRAPHIC_<NAME>."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from moiety.kit import settings
from moiety.kit.settings import SettingsError, secret

PREFIX = "MOIETY_DEMOGRAPHIC"


@dataclass(frozen=True, slots=True)
class Settings:
    """One demographic service."""

    # Where the database is: its URL, in a file; or a folder with <organisation>.url files.
    database_url: str | None = secret(default=None)
    organisation: str = "main"
    organisations_folder: Path | None = None
    # Where the vault is told of a person's own identifiers, with which key, and the key under which
    # they become tokens (64 hexadecimal digits, shared with the clinical service).
    vault_url: str = ""
    vault_key: str | None = secret(default=None)
    screen_key: str | None = secret(default=None)
    # What seals the log of who read about whom (64 hexadecimal digits); without it none is kept.
    access_key: str | None = secret(default=None)
    connections: int = 16
    threads: int = 32
    body_limit: int = 262_144  # octets
    # Where the vault publishes its key set (…/vault/v1/keys); without it only API keys are taken.
    vault_keys_url: str = ""
    # An OpenTelemetry collector (OTLP over HTTP, …/v1/traces) that spans are sent to.
    traces_url: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings.  Raises SettingsError with one sentence."""
        found = settings.read(cls, PREFIX, environ)
        if found.vault_url and found.organisations_folder is None:
            for name in ("vault_key", "screen_key"):
                if getattr(found, name) is None:
                    raise SettingsError(f"{PREFIX}_VAULT_URL needs {PREFIX}_{name.upper()}_FILE.")
        return found
