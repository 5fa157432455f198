"""How the tests of text say what they expect."""

import pytest

from moiety.deid.text import Options, detect

RULES = Options(model=False)


@pytest.fixture
def found():
    """What rules alone find in a text, as pairs of label and words."""

    def find(text, **given):
        return [(s.label, text[s.start : s.end]) for s in detect(text, options=RULES, **given)]

    return find
