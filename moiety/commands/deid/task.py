"""What `moiety deid text` was asked for, carried out."""

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from moiety.commands.deid import compositions, parquet
from moiety.commands.deid import known as reading_known
from moiety.commands.deid import run as running
from moiety.commands.deid.checkpoint import Output, withheld_file
from moiety.commands.deid.compositions import Compositions
from moiety.commands.deid.config_schema import Configuration
from moiety.commands.deid.jsonl import Lines
from moiety.commands.deid.known import Known
from moiety.commands.deid.pool import Pool, PoolError
from moiety.commands.deid.run import Form, Sink, Stream, Told, Workers
from moiety.commands.deid.settings import MakeReader, detector, fingerprint
from moiety.commands.deid.tables import Columns, Csv
from moiety.commands.options import Stop
from moiety.deid.text.backends.protocol import BackendMissing, CanaryDied
from moiety.deid.text.replacement.policy import Dates, Policy, Style

FORMS = ("jsonl", "csv", "parquet", "openehr")
_BY_ENDING = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True, slots=True)
class Task:
    """The options of one run."""

    source: str
    out: str
    form: str | None = None
    text_columns: tuple[str, ...] = ()
    id_column: str | None = None
    subject_column: str | None = None
    keep: tuple[str, ...] = ()
    known: Path | None = None
    job_key: bytes | None = None
    explain: bool = False
    spans: bool | None = None
    workers: int | None = None
    ray: str | None = None
    deadline: float = 30.0
    longest: int = 64 << 20
    restart: bool = False

    def chosen(self) -> str:
        """The form of input: as it was asked for, or as the name says.  Raises Stop."""
        form = self.form or _BY_ENDING.get(Path(self.source).suffix.lower(), "jsonl")
        if Path(self.source).is_dir():
            form = self.form or "openehr"
        if form not in FORMS:
            raise Stop(f"--format is one of {', '.join(FORMS)}.")
        return form


def check(configuration: Configuration, file: Path | None) -> None:
    """Open every detector and try it on the canary; say what the configuration means."""
    try:
        ensemble = detector(configuration)
        ensemble.check()
    except (BackendMissing, CanaryDied) as error:
        raise Stop(f"{error}.") from None
    options, policy = configuration.options, configuration.policy
    print(f"{file or 'The default configuration'} can be obeyed.")
    print(f"looked for: {', '.join(sorted(map(str, options.labels)))}")
    names = ", ".join(backend.name for backend in ensemble.backends)
    print(f"detectors: {names}; votes needed: {ensemble.votes}; each finds what it must")
    print(f"replacement: {_told(policy) if policy else 'none, spans are told'}")


def perform(task: Task, configuration: Configuration) -> Told:
    """Read, detect, replace, write.  Raises Stop with a sentence where it can't."""
    chosen = task.chosen()
    if chosen != "jsonl" and configuration.policy is None:
        configuration = Configuration(
            configuration.options, Policy(), configuration.backends, configuration.votes
        )
    known = reading_known.read(task.known, task.job_key)
    workers = _workers(task, MakeReader(configuration, task.deadline))
    if chosen == "parquet" or (chosen == "openehr" and not _is_lines(task.source)):
        return _whole_files(task, chosen, configuration, known, workers)
    form = _form(task, chosen, configuration.policy, known)
    settings = fingerprint(configuration, str(form), known.file)
    try:
        with ExitStack() as stack:
            source, size = _source(task.source, stack)
            sink = _sink(task, settings)
            if sink.state.number:
                print(f"Going on after line {sink.state.number}.", file=sys.stderr)
            told = running.run(form, source, sink, workers, size=size)
    except PoolError as error:
        raise Stop(f"{error}.") from None
    except KeyboardInterrupt:
        raise Stop("Broken off. Give the same command again to go on.") from None
    except BrokenPipeError:
        raise Stop("Whoever read the output went away.") from None
    running.tell(told, _where(task, told))
    return told


def _workers(task: Task, make_reader: MakeReader) -> Workers:
    if task.ray is None:
        return Pool(make_reader, task.workers or running.cores())
    from moiety.commands.deid import ray_pool

    return ray_pool.opened(make_reader, task.ray, task.workers)


def _form(task: Task, chosen: str, policy: Policy | None, known: Known) -> Form:
    if chosen == "csv":
        return Csv.opened(task.source, _columns(task, known))
    if chosen == "openehr":
        return _compositions(policy)
    surrogates = policy is not None and policy.style is Style.SURROGATES
    return Lines(
        keep=tuple(name for name in task.keep if name not in {"id", "text", "spans"}),
        longest=task.longest,
        explain=task.explain,
        show_spans=not surrogates if task.spans is None else task.spans,
        known=known.of,
    )


def _columns(task: Task, known: Known) -> Columns:
    return Columns(task.text_columns, task.id_column, task.subject_column, known.of)


def _compositions(policy: Policy | None) -> Compositions:
    return Compositions(shift=policy is not None and policy.dates is Dates.SHIFT)


def _is_lines(source: str) -> bool:
    return Path(source).suffix.lower() in {".jsonl", ".ndjson"} or source == "-"


def _whole_files(
    task: Task,
    chosen: str,
    configuration: Configuration,
    known: Known,
    workers: Workers,
) -> Told:
    source, out = Path(task.source), Path(task.out)
    if not source.exists():
        raise Stop(f"{source} can't be read: there is no such file.")
    try:
        if chosen == "parquet":
            told = parquet.rewrite(source, out, _columns(task, known), workers)
        else:
            told = compositions.folder(source, out, _compositions(configuration.policy), workers)
    except PoolError as error:
        raise Stop(f"{error}.") from None
    except KeyboardInterrupt:
        raise Stop("Broken off.") from None
    running.tell(told, task.out)
    return told


def _source(name: str, stack: ExitStack) -> tuple[BinaryIO, int | None]:
    if name == "-":
        return sys.stdin.buffer, None
    path = Path(name)
    try:
        file = stack.enter_context(path.open("rb"))
    except OSError as error:
        raise Stop(f"{path} can't be read: {error.strerror}.") from None
    return file, path.stat().st_size if path.is_file() else None


def _sink(task: Task, settings: str) -> Sink:
    out = Path(task.out)
    if task.out == "-":
        return Stream(sys.stdout.buffer)
    if task.source != "-" and out.exists() and out.samefile(task.source):
        raise Stop("IN and OUT are the same file: write to another.")
    try:
        if not running.is_regular(out):
            return Stream(out.open("wb"))
        if task.source == "-" or not Path(task.source).is_file():
            return Output.open(out, None, settings, restart=True)
        return Output.open(out, Path(task.source), settings, restart=task.restart)
    except OSError as error:
        raise Stop(f"{out} can't be written: {error.strerror}.") from None


def _where(task: Task, told: Told) -> str:
    if task.out == "-":
        return "stdout"
    listed = withheld_file(Path(task.out))
    return f"{task.out}, {listed}" if told.withheld and listed.exists() else task.out


def _told(policy: Policy) -> str:
    return (
        f"{policy.style}; dates: {policy.dates}; birth dates: {policy.birth_dates}; "
        f"ages over {policy.greatest_age} pooled" if policy.greatest_age else f"{policy.style}"
    )  # fmt: skip
