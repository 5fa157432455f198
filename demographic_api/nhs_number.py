"""NHS numbers: ten digits, the last of which checks the others by Modulus 11.

Source: NHS Data Model and Dictionary, attribute NHS NUMBER.  The digits are weighted 10 to 2; the
check digit makes the weighted sum, itself counted once, divisible by 11.  As 11 is a prime larger
than every weight, each change of one digit and each swap of two unequal digits is found.
"""

import re

from moiety.deid.national_numbers import passes_modulus_11

SYSTEM = "https://fhir.nhs.uk/Id/nhs-number"
# Spaces and hyphens only, ASCII digits only: other scripts' digits would be a second spelling.
_WRITTEN = re.compile(r"[0-9](?:[ -]?[0-9]){9}")


def normalise(text: str) -> str | None:
    """The ten digits of an NHS number written with or without spaces and hyphens.

    None when the text is not one: another length, other signs, a wrong check digit, or ten equal
    digits, which pass the sum (111 111 1111) but are never issued.
    """
    if _WRITTEN.fullmatch(text) is None:
        return None
    digits = text.replace(" ", "").replace("-", "")
    return digits if passes_modulus_11(digits) else None


def check_digit(stem: str) -> str | None:
    """The digit that completes nine digits, or None where it would be 10: never issued."""
    remainder = sum(
        weight * int(digit) for weight, digit in zip(range(10, 1, -1), stem, strict=True)
    )
    check = -remainder % 11
    return None if check == 10 else str(check)
