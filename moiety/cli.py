"""The `moiety` command: starts services on a desk, makes keys, loads files, verifies the trail.

It is the only module, with moiety.commands, that may import the services, and it imports each one
inside the command that needs it, so that an image with one service still has a working command, and
so that no command waits for what another needs.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moiety import __version__
from moiety.commands import indexes, keys, rotation, slow, template, trails, users
from moiety.commands.deid import group as deid
from moiety.commands.options import DatabaseOption, HomeOption, PortOption, Stop, home_of, out

if TYPE_CHECKING:
    import httpx

app = typer.Typer(
    name="moiety",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help=(
        "**Moiety**: an openEHR clinical repository whose records never know whose they are.\n\n"
        "Clinical facts stand in one service under random UUIDs, identities in another, and the "
        "only bridge between them, the linkage vault, answers authorised people for a stated "
        "purpose and writes down every answer first.\n\n"
        "Start with `moiety demo`, then `moiety up`; `docs/first-hour.md` walks through both."
    ),
)
clinical = typer.Typer(no_args_is_help=True, help="The clinical database as a whole.")
keys.rotate.command("kek")(rotation.rotate_kek)
keys.rotate.command("index")(rotation.rotate_index)
keys.rotate.command("project")(rotation.rotate_project)
app.add_typer(keys.commands, name="keys")
app.add_typer(users.commands, name="users")
app.add_typer(clinical, name="clinical")
clinical.add_typer(indexes.commands, name="index")
clinical.add_typer(slow.commands, name="queries")
app.add_typer(trails.commands, name="trail")
app.add_typer(template.commands, name="template")
app.add_typer(deid.commands, name="deid")


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """The root command only answers --version."""
    if version:
        print(f"moiety {__version__}")
        raise typer.Exit


@app.command()
def up(
    home: HomeOption = None,
    port_base: PortOption = 8000,
    profile: Annotated[
        str, typer.Option(help="desk, or conformance: the clinical service for test suites.")
    ] = "desk",
    auth: Annotated[
        str, typer.Option(help="With --profile conformance: none, or basic with two users.")
    ] = "none",
) -> None:
    """Run every service on this machine, with a PostgreSQL of its own.

    Prints the URLs, at the first start the first keys, and `ready` on stdout when all answer.
    Ctrl-C stops everything; a service or server that dies is started again.

    A desk keeps both halves, the vault and every key on one disk: it is for trying Moiety out.
    """
    from moiety.commands import up as work

    if profile not in {"desk", "conformance"} or auth not in {"none", "basic"}:
        raise Stop("--profile is desk or conformance, --auth is none or basic.")
    if profile == "conformance":
        from moiety.commands import conformance

        conformance.up(home or home_of(None).with_name("conformance"), port_base, auth)
    elif auth != "none":
        raise Stop("--auth belongs to --profile conformance: a desk asks for its keys.")
    else:
        work.up(home_of(home), port_base)


@app.command()
def demo(
    persons: Annotated[int, typer.Option(min=20, help="Synthetic persons to register.")] = 200,
    compositions: Annotated[int, typer.Option(min=100, help="Documents to commit.")] = 2000,
    keep: Annotated[bool, typer.Option(help="Keep the demo's state folder.")] = False,
) -> None:
    """Tell the main job from beginning to end, through all three services.

    Registers synthetic persons, opens their EHRs, commits documents, finds a patient's record as a
    clinician, averages blood pressures as a researcher, crosses back as a linkage officer, and then
    searches the stolen clinical database for every identity it was never given.
    """
    from moiety.commands.demo import story

    story.tell(out, persons=persons, compositions=compositions, keep=keep)


@app.command()
def load(
    templates: Annotated[Path | None, typer.Option(help="Folder with *.opt files.")] = None,
    compositions: Annotated[
        Path | None, typer.Option(help="Folder with canonical JSON compositions (*.json).")
    ] = None,
    ehrs: Annotated[int, typer.Option(min=1, help="New EHRs to spread the files over.")] = 1,
    url: Annotated[
        str | None, typer.Option(help="Clinical service to load into, instead of a desk.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="File with its API key (scopes ehr:create, definition and composition)."),
    ] = None,
    bulk: Annotated[
        Path | None,
        typer.Option(help="File of lines from `moiety export`, or written elsewhere: whole EHRs."),
    ] = None,
    skip: Annotated[
        bool, typer.Option("--skip", help="With --bulk: leave bad lines out and go on.")
    ] = False,
    from_line: Annotated[int, typer.Option(min=1, help="With --bulk: begin at this line.")] = 1,
    home: HomeOption = None,
) -> None:
    """Commit files through the REST API and print what was accepted, what refused and why.

    With --bulk whole EHRs come in with their ids and histories, far faster; see docs/howto/bulk.md.

    Without --url it uses the desk of --home: the running one, or one started for the occasion.
    """
    from moiety.commands import load as work
    from moiety.commands import occasion

    for folder in (templates, compositions):
        if folder is not None and not folder.is_dir():
            raise Stop(f"{folder} is not a folder.")
    if templates is None and compositions is None and bulk is None:
        raise Stop("Say what to load: --templates DIR, --compositions DIR, --bulk FILE.")
    with occasion.clinical(home_of(home), url, key_file) as client:
        if templates is not None or compositions is not None:
            work.show(out, work.load(client, templates, compositions, ehrs=ehrs))
        if bulk is not None:
            _load_bulk(client, bulk, from_line, skip=skip)


def _load_bulk(client: "httpx.Client", file: Path, from_line: int, *, skip: bool) -> None:
    from moiety.commands import bulk as work

    try:
        loaded = work.load(client, file, first_line=from_line, skip=skip)
    except work.BulkError as error:
        raise Stop(str(error)) from None
    work.show(out, loaded)
    if loaded.stopped is not None:
        raise typer.Exit(1)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where the lines go.")],
    ehr: Annotated[str | None, typer.Option(help="This EHR alone, by its id.")] = None,
    extract: Annotated[
        bool, typer.Option("--extract", help="With --ehr: as an openEHR EXTRACT instead of lines.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a file that was broken off.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Clinical service to export from, instead of a desk.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="File with its API key (scope bulk:export).")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write whole EHRs, with every version, audit and template, to a file of JSON lines.

    The file holds clinical records: keep it as you keep the database.
    """
    from moiety.commands import bulk as work
    from moiety.commands import occasion

    if extract and ehr is None:
        raise Stop("--extract needs --ehr: an EXTRACT is of one EHR.")
    with occasion.clinical(home_of(home), url, key_file) as client:
        try:
            if extract and ehr is not None:
                work.extract(client, file, ehr)
                count = 1
            else:
                count = work.export(client, file, ehr_id=ehr, resume=resume)
        except work.BulkError as error:
            raise Stop(str(error)) from None
    out.print(f"{count} EHRs in {file}.")


@app.command()
def secrets(
    folder: Annotated[Path, typer.Argument(help="Where the files go; made when absent.")],
    organisation: Annotated[str, typer.Option(help="The organisation that keys name.")] = "main",
    host: Annotated[
        str, typer.Option(help="Where each database answers; {name} is its name.")
    ] = "{name}-db",
) -> None:
    """Make the secrets of a deployment: passwords, database URLs, the vault's keys, a first key.

    A file that exists is kept. Run it as root: each file is then given to the user that reads it in
    its container, and to nobody else.
    """
    from moiety.commands import secrets as work

    try:
        made = work.make(folder, organisation, host=host)
    except ValueError as error:
        raise Stop(f"Nothing was made: {error}.") from None
    out.print(f"{len(made)} files made in {folder}, mode 0600. What was there is kept.")
    if made and os.geteuid() != 0:
        out.print("They are yours: run this as root where containers have users of their own.")


@app.command()
def backup(
    database: Annotated[str, typer.Argument(help="clinical, demographic or vault.")],
    folder: Annotated[Path, typer.Argument(help="An empty folder, for this database alone.")],
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Dump one database with a manifest. Keys are never in it, and it is never put beside them."""
    from moiety.commands import backup as work
    from moiety.commands import occasion

    _demand_database(database)
    with occasion.database(home_of(home), database, database_url_file) as url:
        try:
            manifest = work.back_up(url, database, folder)
        except work.BackupError as error:
            raise Stop(str(error)) from None
    rows = sum(manifest.tables.values())
    out.print(
        f"{folder}: {len(manifest.tables)} tables, {rows} rows, {manifest.size} octets, "
        f"revision {manifest.revision}, sha256 {manifest.sha256}"
    )


@app.command()
def restore(
    database: Annotated[str, typer.Argument(help="clinical, demographic or vault.")],
    folder: Annotated[Path, typer.Argument(help="Where `moiety backup` put it.")],
    check: Annotated[
        bool, typer.Option("--check", help="Only try: into a server made for it and thrown away.")
    ] = False,
    public_key: Annotated[
        str | None, typer.Option(help="With --check: the trail's public key, 64 hex digits.")
    ] = None,
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Load a backup into an empty database and compare it with its manifest.

    Without --database-url-file it goes into a desk whose home is new; put the vault's keys there
    yourself before `moiety up`, which would make others.
    """
    from moiety.commands import backup as work
    from moiety.commands import occasion

    _demand_database(database)
    try:
        if check:
            manifest, trail_word = work.drill(database, folder, public_key=public_key)
        else:
            work.verify(folder, database)
            with occasion.server(home_of(home), database, database_url_file) as url:
                manifest = work.restore(url, database, folder)
            trail_word = "restored"
    except work.BackupError as error:
        raise Stop(str(error)) from None
    except ValueError as error:
        raise Stop(f"Nothing was verified: {error}.") from None
    rows = sum(manifest.tables.values())
    out.print(
        f"{len(manifest.tables)} tables and {rows} rows are as the manifest says, revision "
        f"{manifest.revision}; {trail_word}."
    )


def _demand_database(name: str) -> None:
    from moiety import embedded

    if name not in embedded.DATABASES:
        raise Stop(f"There is no database {name}: clinical, demographic or vault.")


@app.command()
def shuffle(
    database: Annotated[str, typer.Argument(help="demographic, vault or shred.")],
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Write every row anew in random order. Run it each night; services go on meanwhile."""
    from moiety.commands import occasion
    from moiety.commands import shuffle as work

    if database not in work.DATABASES:
        raise Stop(f"{database} is not shuffled: demographic, vault or shred.")
    with occasion.database(home_of(home), database, database_url_file) as url:
        done = work.run(url)
    out.print(f"{done.rows} rows of {done.tables} tables are in no order any more.")


@clinical.command("check")
def check_clinical(
    documents: Annotated[
        bool, typer.Option("--documents", help="Unpack every document too; takes long.")
    ] = False,
    home: HomeOption = None,
    database_url_file: DatabaseOption = None,
) -> None:
    """Prove that heads, histories, contributions and typed rows agree; exit 1 where they do not.

    It reads one snapshot and changes nothing: the service may go on meanwhile.
    """
    from moiety.commands import clinical as work
    from moiety.commands import occasion

    with occasion.database(home_of(home), "clinical", database_url_file) as url:
        found = work.check(url, with_documents=documents)
    if not work.show(out, found):
        raise typer.Exit(1)


@app.command("subject-access")
def subject_access(
    person_id: Annotated[str, typer.Argument(help="The person's id in the demographic service.")],
    file: Annotated[Path, typer.Argument(help="Where the ZIP file goes; it must not exist.")],
    keys_folder: Annotated[
        Path,
        typer.Option(help="Your own keys: the files vault, clinical and demographic, mode 0600."),
    ],
    reason: Annotated[str, typer.Option(help="As the approval has it.")],
    approval_id: Annotated[str, typer.Option(help="Who released it: the approval's id.")],
    legal_basis: Annotated[str, typer.Option(help="As the approval has it.")] = "patient_request",
    vault_url: Annotated[str, typer.Option()] = "http://127.0.0.1:8003",
    clinical_url: Annotated[str, typer.Option()] = "http://127.0.0.1:8001",
    demographic_url: Annotated[str, typer.Option()] = "http://127.0.0.1:8002",
) -> None:
    """Gather what a person is told of everything: identity, records, who looked, projects.

    A second person has approved this very question before: action gather_subject_access, purpose
    PATRQT.  The clinical key needs bulk:export, the demographic key person:read.
    """
    from moiety.commands import subject_access as work
    from moiety.kit.errors import ServiceError
    from moiety.kit.private_files import Exposed

    urls = {"vault": vault_url, "clinical": clinical_url, "demographic": demographic_url}
    try:
        work.write(
            file, urls, keys_folder, person_id=person_id, reason=reason,
            legal_basis=legal_basis, approval_id=approval_id,
        )  # fmt: skip
    except (ServiceError, Exposed, ValueError, FileExistsError) as error:
        raise Stop(f"Nothing was gathered: {error}") from None
    out.print(f"{file} holds it. It belongs to the person: hand it over, and delete it here.")


def main() -> None:
    """Run the command; what can be explained ends in a sentence, never in a stack trace."""
    try:
        app()
    except OSError as error:
        sys.exit(f"{error.filename or 'The system'}: {error.strerror}.")
    except RuntimeError as error:
        from moiety.commands.desk import DeskError
        from moiety.embedded import EmbeddedError

        if not isinstance(error, (DeskError, EmbeddedError)):
            raise
        sys.exit(str(error))
