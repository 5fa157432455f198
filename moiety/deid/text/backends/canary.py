"""A text that a detector must see through before it is trusted with others.

A model that was loaded badly, or whose labels were renamed by an upgrade, runs and finds nothing;
every document would pass it untouched.  The canary tells at the start.
"""

from moiety.deid.text.backends.protocol import Backend, BackendFailed, CanaryDied
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

_PIECES: tuple[tuple[str, Label | None], ...] = (
    ("Dear Dr ", None),
    ("Harriet Osborne", Label.NAME),
    (", thank you for seeing Mr ", None),
    ("William Thornton", Label.NAME),
    (", DOB ", None),
    ("14/02/1957", Label.DATE_OF_BIRTH),
    (", NHS number ", None),
    ("999 123 4560", Label.NHS_NUMBER),
    (", of 12 Station Road, ", None),
    ("M1 1AE", Label.POSTCODE),
    (". He was seen in clinic on ", None),
    ("3 March 2021", Label.DATE),
    (". His telephone number is ", None),
    ("07700 900123", Label.TELEPHONE),
    (" and his e-mail address is ", None),
    ("william.thornton@example.com", Label.EMAIL),
    (". Yours sincerely, ", None),
    ("James Whitfield", Label.NAME),
    (".\n", None),
)

TEXT = "".join(piece for piece, _ in _PIECES)
"""The canary: an invented letter."""


def planted() -> list[Span]:
    """What stands in the canary."""
    spans, at = [], 0
    for piece, label in _PIECES:
        if label is not None:
            spans.append(Span(at, at + len(piece), label))
        at += len(piece)
    return spans


def check(backend: Backend) -> None:
    """Have the detector read the canary.

    A planted identifier is found when half of its characters are, under whatever label: detectors
    call things by other names.  Raises CanaryDied where one that it must find is left, or where
    it fails; the message says which kinds.
    """
    found = bytearray(len(TEXT))
    try:
        spans = backend.detect(TEXT)
    except BackendFailed as error:
        raise CanaryDied(f"{error}, on the text that tries it; nothing was read") from None
    except Exception as error:  # noqa: BLE001 - other people's code may raise anything
        kind = type(error).__name__
        raise CanaryDied(
            f"The detector {backend.name} fails on the text that tries it ({kind}): "
            "nothing was read. Look at its model and version"
        ) from None
    for span in spans:
        found[span.start : span.end] = b"\1" * (span.end - span.start)
    left = {
        str(span.label)
        for span in planted()
        if span.label in backend.demanded
        and 2 * sum(found[span.start : span.end]) < span.end - span.start
    }
    if left or not any(found):
        raise CanaryDied(
            f"The detector {backend.name} leaves {', '.join(sorted(left)) or 'everything'} in the "
            "text that tries it: nothing was read. Look at its model, version and label map"
        )
