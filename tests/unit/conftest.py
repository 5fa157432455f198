"""Unit tests have no database and no network."""

import pytest


@pytest.fixture(autouse=True)
def no_network(socket_disabled):
    """A test that opens a socket fails."""
