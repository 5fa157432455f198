"""A text → the spans that identify somebody."""

from collections.abc import Sequence

from moiety.deid import identifiers
from moiety.deid.text.context import Context
from moiety.deid.text.options import DEFAULT, Options
from moiety.deid.text.spans import Span, resolve


def detect(text: str, *, options: Options = DEFAULT, context: Context | None = None) -> list[Span]:
    """Every identifier in `text`, in order, none overlapping; offsets are of `text` itself."""
    del context
    kinds = {"EMAIL": "EMAIL", "TELEPHONE": "TELEPHONE", "NHS_NUMBER": "NHS_NUMBER"}
    return resolve(
        Span(f.start, f.start + f.length, kinds[f.kind], 0.9, "number")
        for f in identifiers.find(text)
        if f.kind in kinds and kinds[f.kind] in options.labels
    )


def detect_record(
    texts: Sequence[str], *, options: Options = DEFAULT, context: Context | None = None
) -> list[list[Span]]:
    """The spans of each document of one record: a name found in one is found in all."""
    return [detect(text, options=options, context=context) for text in texts]
