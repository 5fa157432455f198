"""Lower bounds of a share that was seen in a sample, and agreement between two readers.

Clopper, Pearson (1934) for samples of a large population; the same inversion of the hypergeometric
distribution where the population is small; Wilson (1927) for comparison; Cohen (1960) for kappa.
"""

import math
from collections.abc import Sequence
from random import Random

_STEPS = 60
_RESAMPLES = 2000


def clopper_pearson(good: int, n: int, *, confidence: float = 0.95) -> float:
    """The one-sided exact lower bound of a share, of which `good` of `n` were seen.

    It is the share at which `good` or more of `n` would come up with probability 1 − confidence.
    """
    _check(good, n)
    if good == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _binomial_at_most(n - good, n, 1 - middle) > 1 - confidence:
            high = middle
        else:
            low = middle
    return low


def of_population(good: int, n: int, population: int, *, confidence: float = 0.95) -> float:
    """The lower bound where `n` documents were drawn, without return, from so many.

    Raises ValueError where the population is smaller than the sample.
    """
    _check(good, n)
    if population < n:
        raise ValueError("a sample is larger than what it was drawn from")
    failing = n - good
    low, high = failing, population - good
    while low < high:  # the most failing documents that the sample still makes believable
        middle = (low + high + 1) // 2
        if _hypergeometric_at_most(failing, n, middle, population) > 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return (population - low) / population


def wilson(good: int, n: int, *, confidence: float = 0.95) -> float:
    """Wilson's score bound, one-sided: close to the exact one, and never above 1."""
    _check(good, n)
    z = _normal_quantile(confidence)
    share = good / n
    middle = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n))


def clustered(clusters: Sequence[tuple[int, int]], *, seed: str, confidence: float = 0.95) -> float:
    """The lower bound of a share from (good, all) of each cluster, by resampling whole clusters.

    Identifiers of one patient stand or fall together, so that they tell less than as many of
    strangers.  Where nothing failed the resamples all agree: use `clopper_pearson` beside it.
    """
    draw = Random(seed)  # noqa: S311 - an estimate that must be repeatable, no secret
    shares = []
    for _ in range(_RESAMPLES):
        some = draw.choices(clusters, k=len(clusters))
        every = sum(total for _, total in some)
        shares.append(sum(good for good, _ in some) / every if every else 1.0)
    return sorted(shares)[int((1 - confidence) * _RESAMPLES)]


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa of two readers' judgements of the same things; None where chance explains all.

    None too where nothing was judged: agreement of nobody on nothing is no figure.
    """
    if not pairs:
        return None
    n = len(pairs)
    first, second = sum(a for a, _ in pairs) / n, sum(b for _, b in pairs) / n
    by_chance = first * second + (1 - first) * (1 - second)
    if by_chance >= 1:
        return None
    return (sum(a == b for a, b in pairs) / n - by_chance) / (1 - by_chance)


def _check(good: int, n: int) -> None:
    if n < 1 or not 0 <= good <= n:
        raise ValueError("a share needs something that was seen, and no more good than all")


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _binomial_at_most(x: int, n: int, p: float) -> float:
    """P(X ≤ x) of Binomial(n, p)."""
    if p <= 0:
        return 1.0
    if p >= 1:
        return 1.0 if x >= n else 0.0
    yes, no = math.log(p), math.log1p(-p)
    return math.fsum(math.exp(_log_choose(n, k) + k * yes + (n - k) * no) for k in range(x + 1))


def _hypergeometric_at_most(x: int, n: int, marked: int, population: int) -> float:
    """P(X ≤ x) marked ones among `n` drawn from `population`, of which `marked` are."""
    every = _log_choose(population, n)
    least = max(0, n - (population - marked))
    return math.fsum(
        math.exp(_log_choose(marked, k) + _log_choose(population - marked, n - k) - every)
        for k in range(least, min(x, marked, n) + 1)
    )


def _normal_quantile(share: float) -> float:
    """The point below which this share of a normal distribution lies, by bisection."""
    low, high = -10.0, 10.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if 0.5 * (1 + math.erf(middle / math.sqrt(2))) < share:
            low = middle
        else:
            high = middle
    return low
