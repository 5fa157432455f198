"""Workers on the machines of a Ray cluster (Apache-2.0), in the same order and with the same care.

A batch whose worker dies is sent again once; then its documents are withheld.  Texts cross the
network between the machines: use a cluster whose connections are encrypted and yours alone.
"""

import importlib
import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from moiety.commands.deid.items import Outcome
from moiety.commands.deid.pool import Batch, MakeReader, PoolError
from moiety.commands.options import Stop
from moiety.deid.text.backends.protocol import BackendMissing, CanaryDied

_AHEAD = 3
_LOCAL = "local"


@dataclass
class RayPool:
    """Actors that read batches; `ordered`, then `close`."""

    ray: Any
    actors: list[Any]

    def ordered(self, batches: Iterable[tuple[Any, Batch]]) -> Iterator[tuple[Any, list[Outcome]]]:
        """What each batch carried, and the outcomes of its documents, in the order given."""
        order: deque[tuple[Any, Batch, Any]] = deque()
        for at, (carried, records) in enumerate(batches):
            actor = self.actors[at % len(self.actors)]
            order.append((carried, records, actor.read.remote(records)))
            if len(order) >= len(self.actors) * _AHEAD:
                yield self._answer(*order.popleft())
        while order:
            yield self._answer(*order.popleft())

    def close(self) -> None:
        """Let the actors go."""
        for actor in self.actors:
            self.ray.kill(actor)
        self.ray.shutdown()

    def _answer(self, carried: Any, records: Batch, promise: Any) -> tuple[Any, list[Outcome]]:
        for _ in range(2):
            try:
                said = self.ray.get(promise)
            except self.ray.exceptions.RayError:
                promise = self.actors[0].read.remote(records)
            else:
                if isinstance(said, str):
                    raise PoolError(said)
                return carried, said
        return carried, [Outcome(failed="worker_died") for record in records for _ in record]


class Reading:
    """One worker on some machine: a reader that was tried on the canary."""

    def __init__(self, make_reader: MakeReader) -> None:
        self.refused = ""
        try:
            self.reader = make_reader()
            self.reader.detector.check()
        except (BackendMissing, CanaryDied) as error:
            self.refused = str(error)

    def read(self, batch: Batch) -> list[Outcome] | str:
        """The outcomes of a batch, or why this worker reads nothing."""
        if self.refused:
            return self.refused
        return [outcome for record in batch for outcome in self.reader.read(record)]


def opened(make_reader: MakeReader, address: str, size: int | None) -> RayPool:
    """Join the cluster, or start one on this machine (`local`).  Raises Stop."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # by itself it tells its makers of runs
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        raise Stop("--ray needs Ray: install moiety[ray], here and on the cluster.") from None
    try:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address == _LOCAL:
            ray.init(include_dashboard=False, num_cpus=size, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError):
        raise Stop(f"No Ray cluster answers at {address}.") from None
    size = size or max(1, int(ray.cluster_resources().get("CPU", 1)))
    # A deadline is an alarm, which only the main thread of a process can hear: Ray's actors run
    # their methods there.
    actor = ray.remote(num_cpus=1, max_restarts=-1)(Reading)
    return RayPool(ray, [actor.remote(make_reader) for _ in range(size)])
