"""What the environment sets for the demographic service: MOIETY_DEMOGRAPHIC_<NAME>."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from moiety.kit import settings
from moiety.kit.settings import secret

PREFIX = "MOIETY_DEMOGRAPHIC"


@dataclass(frozen=True, slots=True)
class Settings:
    """One demographic service."""

    # Where the database is: its URL, in a file; or a folder with <organisation>.url files.
    database_url: str | None = secret(default=None)
    organisation: str = "main"
    organisations_folder: Path | None = None
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
        return settings.read(cls, PREFIX, environ)
