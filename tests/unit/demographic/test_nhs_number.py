"""NHS numbers: Modulus 11 against a second implementation and against its own promise."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st
from stdnum.gb import nhs as second

from demographic_api.nhs_number import check_digit, normalise
from moiety.deid.national_numbers import passes_modulus_11 as is_valid

stems = st.text("0123456789", min_size=9, max_size=9)


@given(st.text("0123456789", min_size=10, max_size=10))
def test_agrees_with_a_second_implementation(digits):
    """python-stdnum accepts the same numbers, but for ten equal digits, which are never issued."""
    assert (second.is_valid(digits) and len(set(digits)) > 1) == is_valid(digits)


@given(stems)
def test_the_check_digit_completes_a_stem(stem):
    """A computed digit makes a valid number; where none is computed, no digit does."""
    digit = check_digit(stem)
    valid = [last for last in "0123456789" if is_valid(stem + last)]
    expected = [] if digit is None or len(set(stem + digit)) == 1 else [digit]
    assert expected == valid


def test_every_single_digit_error_and_every_swap_is_found():
    """11 is prime: over 300 numbers of the test range no changed digit and no swap passes."""
    chance = random.Random(11)
    numbers = [n for n in (_complete(f"999{chance.randrange(10**6):06}") for _ in range(400)) if n]
    assert len(numbers) > 300
    for number in numbers:
        assert not any(is_valid(changed) for changed in _changes(number))
        assert not any(is_valid(swapped) for swapped in _swaps(number))


def test_spaces_and_hyphens_are_taken_out():
    """A number is kept as ten digits however it was written."""
    for text in ("999 000 0042", "999-000-0042", "9990000042"):
        assert "9990000042" == normalise(text)


def test_what_is_not_a_number_is_none():
    """A wrong check digit, length, script, letter or space, and ten equal digits."""
    wrong = (
        "9990000043", "999000004", "99900000420", "٩٩٩٠٠٠٠٠٤٢", "999OOOOO42", "", " 9990000042",
        "9990000042\n", "999  000 0042", "0000000000", "1111111111", "９９９００００４２",
    )  # fmt: skip
    assert [None] * len(wrong) == [normalise(text) for text in wrong]


def _complete(stem):
    digit = check_digit(stem)
    return stem + digit if digit else None


def _changes(number):
    for place, digit in itertools.product(range(10), "0123456789"):
        if number[place] != digit:
            yield number[:place] + digit + number[place + 1 :]


def _swaps(number):
    for one, other in itertools.combinations(range(10), 2):
        if number[one] != number[other]:
            digits = list(number)
            digits[one], digits[other] = digits[other], digits[one]
            yield "".join(digits)
