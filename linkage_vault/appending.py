"""Decisions that come together are committed together: one lock, one signed head, one fsync.

Whoever comes first leads: it appends everything that waits, in one transaction, and tells the
others.  What comes meanwhile waits for the next leader, who is the first of them.  An entry is
acknowledged only after the commit of the transaction that holds it.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from linkage_vault.entries import Encoded

MOST = 4_000  # entries a transaction; one that asks for more has a transaction of its own


@dataclass(slots=True, eq=False)
class _Waiting:
    """Entries of one request, and what became of them."""

    entries: Sequence[Encoded]
    woken: threading.Event = field(default_factory=threading.Event)
    first: int | None = None
    failure: BaseException | None = None
    leads: bool = False


@dataclass(slots=True, eq=False)
class Appends:
    """The queue of one process at one trail; the database orders the processes."""

    signed: tuple[int, bytes, bytes, bytes] | None = None
    """The head that this process signed last: size, root, peaks and signature."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[_Waiting] = field(default_factory=list)
    _is_led: bool = False

    def run(self, entries: Sequence[Encoded], append: Callable[[Sequence[Encoded]], int]) -> int:
        """Appends `entries` in their order and returns the position of the first, committed.

        `append` commits a list of entries and returns the position of its first.  Whatever it
        raises is raised to everyone whose entries were in that list.
        """
        mine = _Waiting(entries)
        with self._lock:
            self._waiting.append(mine)
            mine.leads = not self._is_led
            self._is_led = True
        if not mine.leads:
            mine.woken.wait()
        if mine.leads:
            self._lead(append)
        if mine.failure is not None:
            raise mine.failure
        if mine.first is None:
            raise RuntimeError("an append ended without a position")
        return mine.first

    def _lead(self, append: Callable[[Sequence[Encoded]], int]) -> None:
        batch = self._take()
        try:
            first = append([entry for one in batch for entry in one.entries])
        except BaseException as error:  # noqa: BLE001  whoever waits must be told, whatever it is
            for one in batch:
                one.failure = error
        else:
            for one in batch:
                one.first, first = first, first + len(one.entries)
        self._hand_over()
        for one in batch:
            one.woken.set()

    def _take(self) -> list[_Waiting]:
        """What fits one transaction, at least one request's entries; the leader's own are first."""
        with self._lock:
            taken: list[_Waiting] = []
            total = 0
            while self._waiting and (not taken or total + len(self._waiting[0].entries) <= MOST):
                taken.append(self._waiting.pop(0))
                total += len(taken[-1].entries)
            return taken

    def _hand_over(self) -> None:
        with self._lock:
            if not self._waiting:
                self._is_led = False
                return
            self._waiting[0].leads = True
            self._waiting[0].woken.set()
