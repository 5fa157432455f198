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
    # The part of every version id that names the system: object::system::version.
    system_id: str = "moiety.local"
    # The only namespace in which EHR_STATUS.subject may carry an id, and that id a random UUID.
    subject_namespace: str = "moiety"
    # Whether queries see an EHR from its first write on (pooled) or at once (visible).
    new_ehrs: str = "pooled"
    # What the identifier screen does with what it finds: reject, record or off.
    screen_national: str = "reject"
    screen_other: str = "record"
    connections: int = 16
    threads: int = 40
    body_limit: int = 8 * 1024 * 1024
    # An OpenTelemetry collector (OTLP over HTTP, …/v1/traces) that spans are sent to.
    traces_url: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings.  Raises SettingsError with one sentence."""
        found = settings.read(cls, PREFIX, environ)
        _one_of("NEW_EHRS", found.new_ehrs, ("pooled", "visible"))
        _one_of("SCREEN_NATIONAL", found.screen_national, ("reject", "record", "off"))
        _one_of("SCREEN_OTHER", found.screen_other, ("reject", "record", "off"))
        return found


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingsError(f"{PREFIX}_{name} must be one of {', '.join(known)}.")
