"""The error tree and its page."""

from pathlib import Path

import pytest

from moiety.kit import errors

PAGE = Path(__file__).parents[3] / "docs/errors.md"


@pytest.mark.parametrize("kind", errors.ServiceError.__subclasses__(), ids=lambda k: k.__name__)
def test_every_error_has_a_message_a_status_and_a_line_in_the_docs(kind):
    """The docstring is the default message, and docs/errors.md names the code."""
    error = kind()
    assert error.message == kind.__doc__.strip()
    assert kind.__name__ == error.code
    assert f"`{kind.__name__}`" in PAGE.read_text()
    assert str(int(kind.status)) in PAGE.read_text()
