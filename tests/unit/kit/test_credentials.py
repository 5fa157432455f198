"""API keys as they travel."""

import pytest

from moiety.kit import credentials
from moiety.kit.errors import Unauthenticated


def test_a_minted_key_is_read_back_from_its_header():
    """`mty_<organisation>_<key id>_<secret>` survives the journey."""
    token = credentials.mint("leeds")
    assert token == credentials.parse(f"Bearer {token}")
    assert str(token).startswith(f"mty_leeds_{token.key_id}_")


def test_a_secret_has_256_bits_and_never_shows_in_a_representation():
    """43 characters of base 64, none of which is the separator."""
    token = credentials.mint("main")
    assert 43 == len(token.secret)
    assert "_" not in token.secret
    assert token.secret not in repr(token)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer x", "Basic bXR5", "Bearer mty_main_0123", "Bearer mty_A_b_c"],
)
def test_anything_else_is_no_caller(header):
    """A header of another form is answered like a wrong key."""
    with pytest.raises(Unauthenticated):
        credentials.parse(header)


@pytest.mark.parametrize("name", ["", "UPPER", "a_b", "9lives", "a" * 32])
def test_an_organisations_name_fits_the_key(name):
    """The name is a part of the key, so it has no separator in it."""
    with pytest.raises(ValueError, match="an organisation is named"):
        credentials.mint(name)
