"""Which documents people read before an extract is released.

One in a hundred, at least 100 and at most 500; all of them where there are fewer than 100.  The
choice follows from a seed by SHA-256, so that whoever knows the seed can check it, and nobody who
does not can tell beforehand which documents will be read.
"""

import hashlib
import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

LEAST, MOST = 100, 500


def size(population: int) -> int:
    """How many of so many documents are read."""
    return min(population, max(LEAST, min(MOST, math.ceil(population / 100))))


def rank(seed: str, number: int) -> int:
    """Where a document stands in the order of drawing; `number` is its place in the file."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:8], "big")


@dataclass
class Draw:
    """Documents seen one after the other; keeps no more of them than could be drawn.

    With strata the sample is shared out in proportion (largest remainders first), and each stratum
    then brings up to `at_least` documents more, which are read but stand outside the bound.
    """

    seed: str
    at_least: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    _kept: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def see(self, number: int, stratum: str = "") -> None:
        """Note one document.  The order of drawing alone decides; the stratum only groups."""
        self.seen[stratum] += 1
        heap = self._kept[stratum]
        heapq.heappush(heap, (-rank(self.seed, number), number))
        if len(heap) > MOST:
            heapq.heappop(heap)

    def drawn(self) -> tuple[set[int], set[int]]:
        """The numbers of the sample, and of the documents beyond it that `at_least` asks for."""
        sample: set[int] = set()
        extra: set[int] = set()
        for stratum, count in shares(self.seen).items():
            numbers = [number for _, number in sorted(self._kept[stratum], reverse=True)]
            sample.update(numbers[:count])
            extra.update(numbers[count : self.at_least])
        return sample, extra


def shares(strata: Mapping[str, int]) -> dict[str, int]:
    """How many documents of each stratum are read: in proportion to what it holds."""
    population = sum(strata.values())
    if not population:
        return {}
    wanted = size(population)
    exact = {name: wanted * count / population for name, count in strata.items()}
    given = {name: math.floor(share) for name, share in exact.items()}
    left = wanted - sum(given.values())
    by_remainder = sorted(exact, key=lambda name: (given[name] - exact[name], name))
    for name in by_remainder[:left]:
        given[name] += 1
    return given
