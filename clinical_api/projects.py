"""Policies of running projects, held in memory for as long as the vault confirms them.

A policy brings the project's key.  It is asked for when it is first needed, confirmed by the vault
within a minute ever after, and dropped at the first word that the project does not run any more, at
its last day, and when the vault could not be asked for a minute: what is not confirmed is not used.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

import httpx

from clinical_api.pseudonyms import Disguise
from moiety.deid.pseudonyms import Pseudonyms
from moiety.kit.errors import Conflict, Forbidden, ServiceError
from moiety.wire import opt_outs, projects
from moiety.wire.opt_outs import Cleaned
from moiety.wire.projects import Policy

PAUSE = 20.0
"""Seconds between the looks of `keep`: two may fail before a minute is over."""
_COHORT = 50_000


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Held:
    """A policy, how ids look under it, and when the vault last confirmed it (monotonic seconds)."""

    policy: Policy
    disguise: Disguise
    confirmed: float


class Projects:
    """The running projects of one organisation, in one process.  `client` is one of the vault."""

    def __init__(
        self,
        client: httpx.Client,
        *,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._client = client
        self._clock = clock
        self._today = today
        self._lock = threading.Lock()
        self._held: dict[UUID, Held] = {}

    def get(self, project_id: UUID) -> Held:
        """The project as it runs now; asks the vault when the last confirmation is too old.

        Raises NotFound, Conflict where it does not run, and Unavailable without the vault.
        """
        with self._lock:
            found = self._held.get(project_id)
            if found is not None and self._is_fresh(found):
                return found
            return self._ask(project_id, found)

    def of_member(self, project_id: UUID, user_id: UUID | None) -> Held:
        """The same, for somebody who works in it.  Raises Forbidden for anybody else."""
        found = self.get(project_id)
        if user_id not in found.policy.members:
            raise Forbidden("This project is not one of yours.")
        return found

    def clean(self, project_id: UUID, ehr_ids: Iterable[UUID]) -> Cleaned:
        """Who of a cohort may be used, by the vault's registers.  Raises Conflict: stale registers.

        Asked in parts of 50,000; counts are added up.
        """
        asked = list(ehr_ids)
        parts = [
            opt_outs.clean(self._client, project_id, asked[at : at + _COHORT])
            for at in range(0, max(len(asked), 1), _COHORT)
        ]
        if len({part.as_of for part in parts}) > 1:
            raise Conflict("The list of opt-outs changed meanwhile: ask again.")
        counts = ("removed", "unknown", "opted_out", "unchecked", "objected", "without_consent")
        sums = {name: sum(getattr(part, name) for part in parts) for name in counts}
        kept = [one for part in parts for one in part.kept]
        return Cleaned(kept=kept, as_of=parts[0].as_of, **sums)

    def refresh(self) -> None:
        """Has every policy confirmed, renewed or dropped."""
        for project_id in self.held():
            with self._lock:
                found = self._held.get(project_id)
                if found is None:
                    continue
                try:
                    self._ask(project_id, found)
                except ServiceError:
                    continue  # dropped, or still fresh enough for the next look

    def held(self) -> frozenset[UUID]:
        """Of which projects there is a key in memory."""
        return frozenset(self._held)

    def close(self) -> None:
        """Forget everything, and end the client."""
        with self._lock:
            self._held.clear()
        self._client.close()

    async def keep(self) -> None:
        """Refresh for as long as the service runs."""
        while True:
            await asyncio.sleep(PAUSE)
            await asyncio.to_thread(self.refresh)

    def _ask(self, project_id: UUID, found: Held | None) -> Held:
        asked = self._clock()  # before the question: what comes after it is not vouched for
        version = found.policy.version if found else None
        try:
            renewed = projects.ask_policy(self._client, project_id, version)
        except ServiceError as error:
            unanswered = error.status >= 500
            if found is None or not unanswered or not self._is_fresh(found):
                self._held.pop(project_id, None)
            raise
        policy = renewed or (found.policy if found else None)
        if policy is None or self._today() > policy.until:
            self._held.pop(project_id, None)
            raise Conflict("The project has ended.")
        disguise = found.disguise if found and renewed is None else _disguise(policy)
        self._held[project_id] = Held(policy, disguise, asked)
        return self._held[project_id]

    def _is_fresh(self, found: Held) -> bool:
        age = self._clock() - found.confirmed
        return age < found.policy.refresh_seconds and self._today() <= found.policy.until


def _disguise(policy: Policy) -> Disguise:
    pseudonyms = Pseudonyms(policy.key, policy.domain)
    return Disguise(pseudonyms, policy.date_shift_seed, policy.date_shift_days)
