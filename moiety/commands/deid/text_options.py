"""The options of `moiety deid text`, each with what its help says."""

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[str | None, typer.Argument(metavar="IN", help="A file; - is stdin.")]
Out = Annotated[str | None, typer.Argument(metavar="OUT", help="A file; - is stdout.")]
CheckConfig = Annotated[
    bool, typer.Option("--check-config", help="Only say whether --config can be obeyed.")
]
Replace = Annotated[
    str | None,
    typer.Option(
        help="none: tell the spans. tags: [NAME]. surrogates: invented ones, the same for the "
        "same. remove: nothing.",
        show_default="what the configuration says, else none; tags for tables and openEHR",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="The project's key, from `moiety deid key`: surrogates, shifted dates."),
]
Form = Annotated[
    str | None,
    typer.Option(
        "--format", help="jsonl, csv, parquet or openehr.", show_default="by the name of IN"
    ),
]
TextColumn = Annotated[
    list[str] | None, typer.Option(help="csv, parquet: a column of text; repeat for more.")
]
IdColumn = Annotated[str | None, typer.Option(help="csv, parquet: names a row.")]
SubjectColumn = Annotated[
    str | None, typer.Option(help="csv, parquet: the pseudonym of whose row it is.")
]
Keep = Annotated[
    list[str] | None,
    typer.Option(help="jsonl: a field to write again as it is; repeat for more."),
]
Known = Annotated[
    Path | None,
    typer.Option(help='Lines {"subject", "known": [...]}: identifiers that are surely known.'),
]
JobKeyFile = Annotated[Path | None, typer.Option(help="With --known: the key of its fingerprints.")]
Explain = Annotated[
    bool, typer.Option("--explain", help="Write with each span its score and what found it.")
]
Spans = Annotated[
    bool | None,
    typer.Option(
        "--spans/--no-spans",
        help="Write spans beside the text.",
        show_default="yes, but not beside surrogates, which they would give away",
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes.", show_default="one a core")]
Ray = Annotated[
    str | None, typer.Option(help="Read on a Ray cluster instead: its address, or `local`.")
]
Deadline = Annotated[
    float, typer.Option(min=0.01, help="Seconds for a text, and one more per 5,000 letters.")
]
Longest = Annotated[int, typer.Option(min=1, help="jsonl: megabytes of a line.")]
Restart = Annotated[
    bool, typer.Option("--restart", help="Begin anew where an earlier run was broken off.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 where something was withheld.")]
