"""`moiety deid`: the words of the command.  The work is imported when a command runs."""

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moiety.commands.deid import review
from moiety.commands.deid import text_options as given
from moiety.commands.options import Stop

if TYPE_CHECKING:
    from moiety.commands.deid.config_schema import Configuration

commands = typer.Typer(
    no_args_is_help=True, help="Find and replace what identifies people, in text."
)

commands.add_typer(review.commands, name="review")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Configuration in YAML; every key is in the docs.")
]


@commands.command()
def text(
    source: given.Source = None,
    out: given.Out = None,
    config: ConfigOption = None,
    check_config: given.CheckConfig = False,
    replace: given.Replace = None,
    key_file: given.KeyFile = None,
    form: given.Form = None,
    text_column: given.TextColumn = None,
    id_column: given.IdColumn = None,
    subject_column: given.SubjectColumn = None,
    keep: given.Keep = None,
    known: given.Known = None,
    job_key_file: given.JobKeyFile = None,
    explain: given.Explain = False,
    spans: given.Spans = None,
    workers: given.Workers = None,
    ray: given.Ray = None,
    deadline: given.Deadline = 30.0,
    longest: given.Longest = 64,
    restart: given.Restart = False,
    strict: given.Strict = False,
) -> None:
    """De-identify clinical free text: lines `{"id", "text"}` in, with spans or replaced out.

    A line that can't be read, or was not read whole, is withheld: it is not in OUT, stands with its
    reason in OUT.withheld.jsonl, and the others go on. A run that was broken off, by a power cut
    too, goes on when the same command is given again; OUT appears when it is whole.

    `moiety deid text notes.jsonl found.jsonl`

    `moiety deid text notes.jsonl safe.jsonl --replace surrogates --key-file project.key`

    `moiety deid text notes.csv safe.csv --text-column note --id-column row`
    """
    from moiety.commands.deid import task

    configuration = _configuration(config, replace, key_file)
    if check_config:
        task.check(configuration, config)
        return
    if source is None or out is None:
        raise Stop("Say what to read and where to write: moiety deid text IN OUT.")
    asked = task.Task(
        source=source, out=out, form=form, text_columns=tuple(text_column or ()), known=known,
        id_column=id_column, subject_column=subject_column, keep=tuple(keep or ()),
        job_key=_key(job_key_file), explain=explain, spans=spans, workers=workers, ray=ray,
        deadline=deadline, longest=longest << 20, restart=restart,
    )  # fmt: skip
    if task.perform(asked, configuration).withheld and strict:
        raise typer.Exit(1)


@commands.command()
def key(file: Annotated[Path, typer.Argument(help="Where the key goes; must not exist.")]) -> None:
    """Make the key of one project: surrogates and shifted dates follow from it.

    Whoever has it can tell which names may stand behind a surrogate: keep it where the identities
    are, one for each project, and destroy it when the project ends.
    """
    try:
        with file.open("x") as target:
            file.chmod(0o600)
            target.write(secrets.token_hex(32) + "\n")
    except FileExistsError:
        raise Stop(f"{file} exists and was left as it is: a key that is lost can't be made again.")  # noqa: B904 - a sentence
    print(f"{file} holds a new key, for you alone to read.", file=sys.stderr)


@commands.command()
def fingerprint(
    known: Annotated[Path, typer.Argument(help='Lines {"subject", "known": [phrases]}.')],
    out: Annotated[Path, typer.Argument(help="Lines of fingerprints, for `--known`.")],
    job_key_file: Annotated[Path, typer.Option(help="A key of this job alone.")],
) -> None:
    """Turn identifiers that are known into fingerprints, where the identities are.

    Whoever has the texts and the key of the job finds with them what stands in the texts, and sees
    none of the identities that do not. Make the key with `moiety deid key`, and destroy it with the
    fingerprints when the job is done: names can be guessed with it.
    """
    from moiety.commands.deid import known as work
    from moiety.commands.deid.jsonl import line_of

    secret = _key(job_key_file)
    lines = [line_of(line) for line in work.fingerprinted(known, secret or b"")]
    try:
        out.write_bytes(b"".join(lines))
    except OSError as error:
        raise Stop(f"{out} can't be written: {error.strerror}.") from None
    print(f"{len(lines)} subjects in {out}", file=sys.stderr)


def _key(file: Path | None) -> bytes | None:
    from moiety.commands.deid import config_schema

    try:
        return config_schema.read_key(file) if file else None
    except ValueError as error:
        raise Stop(f"{error}.") from None


def _configuration(
    config: Path | None, style: str | None, key_file: Path | None
) -> "Configuration":
    """What the file and the options say together.  Raises Stop with every fault."""
    from moiety.commands.deid import config_schema, settings
    from moiety.commands.deid.config_file import ConfigurationError
    from moiety.deid.text.replacement.policy import BadPolicy, Style

    if style is not None and style not in {"none", *map(str, Style)}:
        raise Stop("--replace is none, tags, surrogates or remove.")
    try:
        read = settings.configured(config)
        secret = config_schema.read_key(key_file) if key_file else None
        if style is None and secret is not None:
            style = str(read.policy.style) if read.policy else "surrogates"
        return settings.with_style(read, style, secret) if style is not None else read
    except ConfigurationError as error:
        raise Stop("\n".join(f"{config}: {fault}" for fault in error.faults)) from None
    except BadPolicy as error:
        raise Stop(f"{error}: give --key-file; `moiety deid key FILE` makes one.") from None
    except ValueError as error:
        raise Stop(f"{error}.") from None
    except OSError as error:
        raise Stop(f"{config} can't be read: {error.strerror}.") from None


@commands.command()
def evaluate(
    gold: Annotated[Path, typer.Argument(help='Lines {"id", "text", "spans", "ignore", "traps"}.')],
    predicted: Annotated[
        Path, typer.Argument(metavar="PRED", help="What `moiety deid text GOLD PRED` wrote.")
    ],
    by: Annotated[
        str, typer.Option(help="Figures also for each style (letter case, typing) or template.")
    ] = "style",
    missed: Annotated[int, typer.Option(min=0, help="List so many missed identifiers.")] = 0,
    wrong: Annotated[int, typer.Option(min=0, help="List so many that are none.")] = 0,
    around: Annotated[
        int | None,
        typer.Option(min=0, help="Show them, with so many letters around: this prints identities."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say how well identifiers were found, beside a file in which people marked them.

    Only letters and digits count, and not what a span is called. Traps are clinical words that look
    like identifiers. Errors are listed by document, label and offsets.

    `moiety deid text gold.jsonl found.jsonl && moiety deid evaluate gold.jsonl found.jsonl`
    """
    import json

    from moiety.commands.deid import evaluate as work

    if by not in work.GROUPS:
        raise Stop("--by is style or template.")
    told = work.evaluate(gold, predicted, by)
    if as_json:
        print(json.dumps(told.figures(by)))
    else:
        print("\n".join(work.show(told, by)))
    for line in work.errors(told, gold, missed=missed, wrong=wrong, around=around):
        print(line)


@commands.command()
def train(
    gold: Annotated[
        list[Path], typer.Argument(help="Documents that people have read, as gold lines.")
    ],
    out: Annotated[Path, typer.Option(help="Where the model goes.")],
    config: ConfigOption = None,
    seed: Annotated[int, typer.Option(help="The same seed and documents give the same model.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How often it reads them.")] = 3,
    generated: Annotated[
        int | None,
        typer.Option(min=0, help="Generated documents to mix in.", show_default="three for each"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write it though it finds less of what was kept out.")
    ] = False,
) -> None:
    """Teach the learned model what reviewers found, and say whether it helped.

    Name the file in the configuration: `model: site-model.bin`. The model holds weights of letters
    and words: keep it where the documents are, since rare words can be guessed from it.

    `moiety deid review gold review/ findings.json --out read.jsonl`

    `moiety deid train read.jsonl --out site-model.bin`
    """
    from moiety.commands.deid import train as work

    taught = work.teach(
        gold,
        _configuration(config, None, None).options,
        seed=seed,
        rounds=rounds,
        generated=generated,
    )
    print("\n".join(work.show(taught)))
    if work.is_worse(taught) and not force:
        raise Stop(f"It finds less of what was kept out: {out} was not written. --force writes it.")
    try:
        out.write_bytes(taught.model.packed())
    except OSError as error:
        raise Stop(f"{out} can't be written: {error.strerror}.") from None
