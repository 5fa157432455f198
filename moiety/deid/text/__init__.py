"""What identifies a person in clinical free text: sixteen kinds, found with their offsets.

labels      the sixteen kinds
spans       one finding; findings without overlap          resolve(spans)
known       the subject's own identifiers as fingerprints
context     what is known besides the text
options     what to look for
detecting   all of it in order                             detect(text), detect_record(texts)
"""

from moiety.deid.text.context import Context
from moiety.deid.text.detecting import detect, detect_record
from moiety.deid.text.known import Fingerprints
from moiety.deid.text.labels import Label
from moiety.deid.text.options import DEFAULT, BadOption, Format, Options
from moiety.deid.text.spans import Span, resolve

__all__ = [
    "DEFAULT",
    "BadOption",
    "Context",
    "Fingerprints",
    "Format",
    "Label",
    "Options",
    "Span",
    "detect",
    "detect_record",
    "resolve",
]
