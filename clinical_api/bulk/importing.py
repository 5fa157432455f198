"""Batches of lines: what is stored, and what is refused.

A batch is prepared without a transaction and then written in one, so a line is there with all that
it brings, or not at all.  A line that is refused is told by its number and reason; it stops the
import, or is left out with whatever follows from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
import sqlalchemy as sa

from clinical_api.audits import Audit
from clinical_api.bulk import apart, copying, looking, preparing
from clinical_api.bulk.copying import Raced
from clinical_api.bulk.lines import Line, read, wrong
from clinical_api.bulk.preparing import Scene, Whole
from clinical_api.refusals import NOBODY, Refusal, found_kinds
from clinical_api.registry import Registry
from clinical_api.settings import Settings
from clinical_api.value_sets import ValueSets
from moiety.kit.errors import Conflict, ServiceError, Unavailable

BATCH_LINES = 256
BATCH_OCTETS = 8 * 1024 * 1024
_MOST_TOLD = 1000
_TRIES = 3


class Refused(msgspec.Struct, frozen=True):
    """A line that was not stored.  `code` and `message` as an error has them; no value."""

    line: int
    code: str
    message: str
    findings: list[Any]


class Report(msgspec.Struct):
    """What became of the lines.  All up to the line `through` are dealt with for good.

    `present`: lines whose contribution was here already.  `stopped`: the line that ended it.
    """

    through: int = 0
    lines: int = 0
    ehrs: int = 0
    contributions: int = 0
    versions: int = 0
    present: int = 0
    templates: int = 0
    queries: int = 0
    tags: int = 0
    refused: int = 0
    refusals: list[Refused] = []
    stopped: int | None = None


@dataclass(slots=True)
class Importer:
    """One import: feed it batches of (number, line) in order; `report` tells what became of them.

    `skip`: leave refused lines out and go on; else the first one ends the import.
    """

    engine: sa.Engine
    registry: Registry
    settings: Settings
    audit: Audit
    skip: bool
    report: Report
    value_sets: ValueSets | None = None

    def feed(self, batch: Sequence[tuple[int, bytes]]) -> None:
        """Store a batch.  Raises Unavailable where others change the same EHRs all the time."""
        if self.report.stopped is not None or not batch:
            return
        refused: dict[int, ServiceError] = {}
        lines = self._read(batch, refused)
        start = 0
        for place, (_, line) in enumerate(lines):
            if apart.is_apart(line):
                self._store(lines[start:place], refused)
                self._store_apart(*lines[place], refused)
                start = place + 1
        self._store(lines[start:], refused)
        self._settle(batch, refused)

    def _read(
        self, batch: Sequence[tuple[int, bytes]], refused: dict[int, ServiceError]
    ) -> list[tuple[int, Line]]:
        found = []
        for number, text in batch:
            try:
                if len(text) > self.settings.body_limit:
                    raise wrong("", "length", f"at most {self.settings.body_limit} octets")
                found.append((number, read(text)))
            except ServiceError as error:
                refused[number] = error
                if not self.skip:
                    break
        return found

    def _store(self, lines: Sequence[tuple[int, Line]], refused: dict[int, ServiceError]) -> None:
        if not lines or self._ended(refused, lines[0][0]):
            return
        for _ in range(_TRIES):
            tried = dict(refused)
            try:
                done = self._try(lines, tried)
            except Raced:
                continue
            refused.update(tried)
            self._count(done)
            return
        raise Unavailable("Others change the same EHRs at this moment.")

    def _ended(self, refused: dict[int, ServiceError], number: int) -> bool:
        return not self.skip and any(one < number for one in refused)

    def _try(
        self, lines: Sequence[tuple[int, Line]], refused: dict[int, ServiceError]
    ) -> list[Whole | None]:
        find = partial(self.registry.find, self.engine)
        scene = Scene(find, self.settings, self.audit, self.value_sets)
        known = self._look(lines)
        wholes: list[Whole | None] = []
        moves: list[tuple[UUID, looking.Latest]] = []
        for number, line in lines:
            try:
                whole = preparing.prepare(line, known, scene)
                if whole is not None:
                    self._demand_subject(whole, known)
            except ServiceError as error:
                refused[number] = error
                if not self.skip:
                    break
                continue
            wholes.append(whole)
            if whole is not None:
                moves += preparing.apply(whole, known)
        self._write([one for one in wholes if one is not None], moves)
        return wholes

    def _look(self, lines: Sequence[tuple[int, Line]]) -> looking.Known:
        owners, contributions, objects = looking.named(line for _, line in lines)
        with self.engine.connect() as connection:
            return looking.look(_driver(connection), owners, contributions, objects)

    def _demand_subject(self, whole: Whole, known: looking.Known) -> None:
        subjects = preparing.subjects_of(whole)
        if not subjects:
            return
        with self.engine.connect() as connection:
            taken = looking.taken_subjects(_driver(connection), subjects)
        if taken or subjects & known.subjects:
            raise Conflict("Another EHR has this subject.")

    def _write(self, wholes: Sequence[Whole], moves: copying.Moves) -> None:
        if wholes:
            with self.engine.begin() as connection:
                copying.write(_driver(connection), wholes, moves, self.audit)

    def _store_apart(self, number: int, line: Line, refused: dict[int, ServiceError]) -> None:
        if self._ended(refused, number):
            return
        try:
            with self.engine.begin() as connection:
                name, count = apart.store(connection, line, self.settings, self.audit)
        except ServiceError as error:
            refused[number] = error
            return
        setattr(self.report, name, getattr(self.report, name) + count)
        if line.template is not None:  # a revision that is known already may be the former one
            with self.engine.connect() as connection:
                self.registry.current(connection)

    def _count(self, done: Sequence[Whole | None]) -> None:
        report = self.report
        for whole in done:
            if whole is None:
                report.present += 1
                continue
            report.contributions += 1
            report.ehrs += whole.opening is not None
            report.versions += len(whole.versions)

    def _settle(self, batch: Sequence[tuple[int, bytes]], refused: dict[int, ServiceError]) -> None:
        report = self.report
        first = min(refused, default=None)
        if first is not None and not self.skip:
            report.stopped = first
            refused = {first: refused[first]}
        report.through = batch[-1][0] if report.stopped is None else report.stopped - 1
        report.lines += report.through - batch[0][0] + 1
        report.refused += len(refused)
        if refused:
            self._log(batch, refused)
        for number, error in sorted(refused.items()):
            if len(report.refusals) < _MOST_TOLD:
                told = Refused(number, error.code, error.message, list(error.findings))
                report.refusals.append(told)

    def _log(self, batch: Sequence[tuple[int, bytes]], refused: dict[int, ServiceError]) -> None:
        texts = dict(batch)
        lines = []
        for number, error in refused.items():
            found = found_kinds(error.findings)
            owner = _owner(texts[number])
            lines.append((Refusal(owner, "", "", "contribution", error.code, found), self.audit))
        with self.engine.begin() as connection:
            copying.log(_driver(connection), lines)


def _owner(text: bytes) -> UUID:
    try:
        return UUID(read(text).ehr_id or "")
    except (ServiceError, ValueError):
        return NOBODY


def _driver(connection: sa.Connection) -> "psycopg.Connection[Any]":
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)
