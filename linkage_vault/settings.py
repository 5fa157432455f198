"""What the environment sets for the vault: MOIETY_VAULT_<NAME>."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from moiety.kit import settings
from moiety.kit.settings import secret

PREFIX = "MOIETY_VAULT"


@dataclass(frozen=True, slots=True)
class Settings:
    """The vault's settings; every secret is named by the path of its file.

    One organisation: `database_url`, `key_file` and `clinical_key`.  Several: a folder that holds
    `<organisation>.url`, `<organisation>.keys` and `<organisation>.clinical` for each.
    """

    organisation: str = "main"
    database_url: str | None = secret(default=None)
    key_file: Path | None = None
    organisations_folder: Path | None = None
    # Where EHRs are opened for the pool, and with which key; without a URL it is not filled.
    clinical_url: str = ""
    clinical_key: str | None = secret(default=None)
    pool_target: int = 200
    pool_interval: float = 1.0  # seconds between looks at the pool
    # Whose box the personal values of the trail are put in: an X25519 public key, hexadecimal.
    auditor_key: str = ""
    # Where signed heads of the trail are sent, separated by spaces: file:/… syslog:host:port https://…
    witnesses: str = ""
    witness_interval: float = 60.0  # seconds between looks for a new head
    connections: int = 16
    threads: int = 32
    body_limit: int = 65_536  # octets
    # An OpenTelemetry collector (OTLP over HTTP, …/v1/traces) that spans are sent to.
    traces_url: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings.  Raises SettingsError with one sentence."""
        return settings.read(cls, PREFIX, environ)
