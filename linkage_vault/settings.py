"""What the environment sets for the vault: MOIETY_VAULT_<NAME>."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from linkage_vault.rules import Limit, Rules
from linkage_vault.targets import read_targets
from moiety.kit import settings
from moiety.kit.settings import SettingsError, secret

PREFIX = "MOIETY_VAULT"


@dataclass(frozen=True, slots=True)
class Settings:
    """The vault's settings; every secret is named by the path of its file.

    One organisation: `database_url`, `key_file` and `clinical_key`.  Several: a folder that holds
    `<organisation>.url`, `<organisation>.keys`, `<organisation>.clinical`, `<organisation>.shred`
    and `<organisation>.passphrase` for each; transit keys are named `<transit_key>-<organisation>`.
    """

    organisation: str = "main"
    database_url: str | None = secret(default=None)
    key_file: Path | None = None
    # The vault's keys for its people; without it the key file's name with `.people` at the end.
    people_key_file: Path | None = None
    # Under which the key file lies, where it has one.
    key_passphrase: str | None = secret(default=None)
    # The secrets without which no link opens: a database of its own, with short backups.
    shred_database_url: str | None = secret(default=None)
    shred_backup_days: int = 7  # how long its backups are kept, at most 7
    # Who wraps the keys of links: `file`, the key file, or `transit`, OpenBao or HashiCorp Vault.
    kek: str = "file"
    transit_url: str = ""
    transit_token: str | None = secret(default=None)
    transit_mount: str = "transit"
    transit_key: str = "moiety-link"
    # Uses of one version of the key-encryption key; from 80 % on the log warns.
    key_uses: int = 1 << 31
    ehrs_per_person: int = 1
    organisations_folder: Path | None = None
    # Where EHRs are opened for the pool, and with which key; without a URL it is not filled.
    clinical_url: str = ""
    clinical_key: str | None = secret(default=None)
    # Where the log of reads about persons is asked for, and with which key; the clinical key above
    # asks for that of records.
    demographic_url: str = ""
    demographic_key: str | None = secret(default=None)
    pool_target: int = 200
    pool_interval: float = 1.0  # seconds between looks at the pool
    # Whose box the personal values of the trail are put in: an X25519 public key, hexadecimal.
    auditor_key: str = ""
    # Where signed heads of the trail are sent, separated by spaces: file:/… syslog:host:port https://…
    witnesses: str = ""
    witness_interval: float = 60.0  # seconds between looks for a new head
    # What one user, and one program, may ask: requests a minute, ids and distinct ids a day.
    user_minute: int = 3000
    user_day: int = 50_000
    user_subjects: int = 2000
    program_minute: int = 60_000
    program_day: int = 1_000_000
    program_subjects: int = 100_000
    bulk: int = 1  # more ids in one request than this need a second person
    care: str = "record"  # or "required": a clinician's care must have been recorded before
    personal_keys: str = "accept"  # or "refuse": people ask with tokens alone
    approver_other_line: bool = False
    # Who is told of alerts, separated by spaces: file:/… syslog:host:port syslog+tcp:… https://…
    alerts: str = ""
    # Seconds: a refusal at the resolve doors leaves at a whole multiple of it.
    step: float = 0.05
    # An OpenID Connect provider in place of passwords here: its issuer, our client id there, and
    # the claim of an ID token that names the person.
    oidc_issuer: str = ""
    oidc_client: str = ""
    oidc_claim: str = "sub"
    opt_out_days: int = 7  # older than this the national list of opt-outs is not used
    connections: int = 16
    threads: int = 32
    body_limit: int = 4 * 1024 * 1024  # octets: a batch of documents to be screened
    # An OpenTelemetry collector (OTLP over HTTP, …/v1/traces) that spans are sent to.
    traces_url: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings.  Raises SettingsError with one sentence."""
        found = settings.read(cls, PREFIX, environ)
        _demand_word(found.care, "CARE", ("record", "required"))
        _demand_word(found.personal_keys, "PERSONAL_KEYS", ("accept", "refuse"))
        return found

    def rules(self) -> Rules:
        """The rules of the decisions."""
        return Rules(
            user=Limit(self.user_minute, self.user_day, self.user_subjects),
            program=Limit(self.program_minute, self.program_day, self.program_subjects),
            bulk=self.bulk,
            care=self.care,
            personal_keys=self.personal_keys,
            approver_other_line=self.approver_other_line,
            alert_targets=tuple(read_targets(self.alerts, what="A receiver of alerts")),
            opt_out_days=self.opt_out_days,
        )


def _demand_word(word: str, name: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise SettingsError(f"{PREFIX}_{name} is {' or '.join(known)}.")
