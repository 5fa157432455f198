"""What queries cost, by their form: how often, how long, how many rows, and what they lack.

A form is a query without its values; nothing else is kept of it, and forms that are not asked any
more are forgotten first.  Kept in this process since it began; `/metrics` has the durations of all.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Histogram

from clinical_api.explained import command
from clinical_api.registry import Snapshot
from moiety.aql import AqlError, Compiled
from moiety.aql.blanked import without_values
from moiety.aql.forms import split
from moiety.aql.parser import parse
from moiety.aql.printer import render
from moiety.aql.wanted import lacking, wanted_paths

FORMS: Final = 500
_PLANS: Final = 4 * FORMS
_LONGEST: Final = 4000
_SHORT: Final = 500


class Form(msgspec.Struct, frozen=True):
    """One form of query.  `failed`: how many runs had no answer, mostly for their time."""

    aql: str
    plan_classes: Mapping[str, int]
    count: int
    failed: int
    rows: int
    seconds_total: float
    seconds_mean: float
    seconds_max: float
    lacks: list[str]


class Report(msgspec.Struct, frozen=True):
    """The forms that cost most in all, dearest first, since this process began."""

    since: datetime
    queries: list[Form]


@dataclass(slots=True)
class _Kept:
    aql: str
    paths: tuple[str, ...]
    plans: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    rows: int = 0
    total: float = 0.0
    longest: float = 0.0


class Durations:
    """How long queries took, as a metric."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("organisation", "plan")
        self.seconds = Histogram(
            "moiety_query_seconds", "Time to answer a query", labels, registry=registry
        )
        self._children: dict[tuple[str, str], Histogram] = {}

    def of(self, organisation: str, plan: str) -> Histogram:
        """The durations of one organisation and plan class."""
        child = self._children.get((organisation, plan))
        if child is None:
            child = self._children[organisation, plan] = self.seconds.labels(organisation, plan)
        return child


class SlowQueries:
    """The forms of one organisation; safe to use from several threads."""

    def __init__(self, organisation: str, durations: Durations) -> None:
        self._organisation, self._durations = organisation, durations
        self._since = datetime.now(UTC)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        # By the object itself, which is held so that no other takes its place: most runs are of a
        # plan that was seen before, and looking at the text again would cost them a tenth.
        self._seen: dict[int, tuple[object, str]] = {}
        self._lock = threading.Lock()

    def note(
        self, plan: Compiled, text: str, *, answered: str, seconds: float, rows: int | None
    ) -> None:
        """A run of a query.  `answered`: its plan class; `rows`: None for one that failed."""
        self._durations.of(self._organisation, answered).observe(seconds)
        known = self._seen.get(id(plan.form))
        key = known[1] if known is not None else _key(text)
        with self._lock:
            if known is None:
                if len(self._seen) >= _PLANS:
                    self._seen.clear()
                self._seen[id(plan.form)] = (plan.form, key)
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = _new(plan, text)
                while len(self._kept) > FORMS:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(key)
            kept.plans[answered] += 1
            kept.failed += rows is None
            kept.rows += rows or 0
            kept.total += seconds
            kept.longest = max(kept.longest, seconds)

    def report(self, templates: Snapshot, most: int) -> Report:
        """The forms that cost most, and the indexes that they lack by now."""
        with self._lock:
            dearest = sorted(self._kept.values(), key=lambda kept: kept.total, reverse=True)[:most]
            told = [(kept, dict(kept.plans)) for kept in dearest]
        return Report(
            self._since,
            [
                Form(
                    aql=kept.aql,
                    plan_classes=plans,
                    count=sum(plans.values()),
                    failed=kept.failed,
                    rows=kept.rows,
                    seconds_total=round(kept.total, 4),
                    seconds_mean=round(kept.total / max(1, sum(plans.values())), 4),
                    seconds_max=round(kept.longest, 4),
                    lacks=[
                        command(path)
                        for path in lacking(kept.paths, templates.templates, templates.hot)
                    ],
                )
                for kept, plans in told
            ],
        )


def _key(text: str) -> str:
    skeleton = split(text).skeleton
    return skeleton if len(skeleton) <= _SHORT else sha256(skeleton.encode()).hexdigest()


def _new(plan: Compiled, text: str) -> _Kept:
    """A form as it is first seen: an index is advised for what asks the population alone."""
    try:
        tree = parse(text)
    except AqlError:  # it has been compiled, so this is another text than it was: tell nothing
        return _Kept("", ())
    paths = wanted_paths(tree) if plan.plan.of_population else ()
    return _Kept(render(without_values(tree))[:_LONGEST], paths)
