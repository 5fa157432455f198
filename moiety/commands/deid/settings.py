"""A configuration file and the options of a run → what the workers need."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from moiety import __version__
from moiety.commands.deid.config_schema import Configuration, read
from moiety.commands.deid.reading import Reader
from moiety.deid.text.backends.built_in import BuiltIn
from moiety.deid.text.backends.ensemble import Ensemble
from moiety.deid.text.backends.libraries import open_backend
from moiety.deid.text.backends.protocol import Backend
from moiety.deid.text.replacement.policy import BirthDates, Dates, Policy, Style


@dataclass(frozen=True, slots=True)
class MakeReader:
    """Makes the reader of a worker; travels to its process as it is."""

    configuration: Configuration
    deadline: float

    def __call__(self) -> Reader:
        """Open every detector.  Raises BackendMissing."""
        return Reader(detector(self.configuration), self.configuration.policy, self.deadline)


def detector(configuration: Configuration) -> Ensemble:
    """The detectors of a configuration.  Raises BackendMissing."""
    backends: list[Backend] = []
    for chosen in configuration.backends:
        if chosen.kind == "built-in":
            backends.append(BuiltIn(configuration.options))
        else:
            backends.append(open_backend(chosen.kind, dict(chosen.told)))
    return Ensemble(tuple(backends), configuration.votes, configuration.options.labels)


def configured(file: Path | None) -> Configuration:
    """The configuration of a file; the default without one.  Raises ConfigurationError, OSError."""
    if file is None:
        return Configuration()
    return read(file.read_text(encoding="utf-8", errors="replace"), file.parent)


def with_style(configuration: Configuration, style: str, key: bytes | None) -> Configuration:
    """The configuration with what the command line says of replacement.  Raises BadPolicy.

    A key given here turns on shifting of dates, unless the file says what becomes of them.
    """
    if style == "none":
        return dataclasses.replace(configuration, policy=None)
    before = configuration.policy or Policy()
    dates, births = before.dates, before.birth_dates
    if key and configuration.policy is None:
        dates, births = Dates.SHIFT, BirthDates.YEAR
    policy = dataclasses.replace(
        before, style=Style(style), key=key or before.key, dates=dates, birth_dates=births
    )
    return dataclasses.replace(configuration, policy=policy)


def fingerprint(configuration: Configuration, *more: object) -> str:
    """Tells two runs apart that would not write the same; keys can't be read from it."""
    stable = dataclasses.asdict(configuration)
    stable["options"]["weights"] = hashlib.sha256(configuration.options.weights).hexdigest()
    stable["options"] |= {name: sorted(stable["options"][name]) for name in ("labels", "keep")}
    whole = json.dumps([__version__, stable, more], default=str, sort_keys=True)
    return hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()
