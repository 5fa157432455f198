"""Listed phrases by their first two words, so that a text's words lead to the few that may stand there."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

Said = TypeVar("Said")
Index = dict[str, dict[str, list[tuple[tuple[str, ...], Said]]]]
"""First word → second word, or '' for one word alone → phrases, the longest first, and what is said of each."""


def indexed(phrases: Iterable[tuple[tuple[str, ...], Said]]) -> Index[Said]:
    """The index of some phrases."""
    index: Index[Said] = {}
    for parts, said in sorted(phrases, key=lambda one: -len(one[0])):
        second = parts[1] if len(parts) > 1 else ""
        index.setdefault(parts[0], {}).setdefault(second, []).append((parts, said))
    return index


def beginning(
    index: Index[Said], low: Sequence[str], i: int
) -> Iterable[tuple[tuple[str, ...], Said]]:
    """The phrases whose first two words stand at word `i`, then the word alone."""
    by_second = index[low[i]]
    second = low[i + 1] if i + 1 < len(low) else ""
    longer = by_second.get(second, ()) if second else ()
    return (*longer, *by_second.get("", ()))
