"""Ages over 89, pooled: few people are so old that a place and an age would not name them.

Ages are no identifiers and stay, as do sex and ethnicity; only the greatest are put together.
Source of the limit: the de-identification rule of the United States (45 CFR 164.514), which the
United Kingdom's practice follows.
"""

import re
from collections.abc import Iterator

_AGE = re.compile(
    r"(?P<before>\b(?:aged?|age\s+(?:is|was|of))\s*[:=]?\s*)(?P<a>[0-9]{2,3})(?![0-9./,]*[0-9])(?!\s*%)"
    r"|(?<![0-9./,])(?P<b>[0-9]{2,3})(?=\s*(?:-|–)?\s*(?:years?|yrs?)(?:\s*|-|–)(?:old|of\s+age)\b"
    r"|\s?(?:-|–)?y\s?/?\s?o\b|\s?(?:yo|yrs?)?\s?(?:M|F|m|f)\b(?![\w/%]))",
    re.IGNORECASE,
)
_TENS = "ninety"
_ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_IN_WORDS = re.compile(
    rf"\b(?:{_TENS}(?:[ -](?:{'|'.join(_ONES)}))?|(?:a|one)\s+hundred(?:\s+and\s+\w+)?)"
    r"(?=[ -]years?[ -](?:old|of age)\b)",
    re.IGNORECASE,
)
_OLDEST = 125


def over(text: str, greatest: int) -> Iterator[tuple[int, int]]:
    """The stretches of `text` that tell an age over the greatest that is shown."""
    for match in _AGE.finditer(text):
        group = "a" if match["a"] else "b"
        if greatest < int(match[group]) <= _OLDEST:
            yield match.span(group)
    if greatest <= 90:
        for match in _IN_WORDS.finditer(text):
            if greatest < 90 or match[0].casefold() != _TENS:
                yield match.span()


def pooled(greatest: int) -> str:
    """What stands in their place."""
    return f"{greatest + 1}+"
