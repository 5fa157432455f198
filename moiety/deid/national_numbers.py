"""Numbers that identify a person nationally in the UK, recognised by shape and check digit.

NHS (England, Wales), CHI (Scotland) and H&C (Northern Ireland) numbers have ten digits and share
Modulus 11: the sum of digit × weight, with weights 10 … 1, is divisible by 11.  One random
ten-digit number in eleven passes, so a pass alone proves nothing: callers also ask for context.
A CHI number starts with a date of birth, DDMMYY.
"""

import re
from datetime import date

NINO = re.compile(
    r"(?![A-Z]*[DFIQUV])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-Z][A-NP-Z](?: ?\d\d){3} ?[A-D]", re.ASCII
)
"""National Insurance number: two letters (some never used), six digits, a suffix A–D."""


def passes_modulus_11(digits: str) -> bool:
    """Whether ten ASCII digits satisfy Modulus 11 and are not all the same."""
    if len(digits) != 10 or not digits.isascii() or not digits.isdigit():
        return False
    total = sum(int(d) * weight for d, weight in zip(digits, range(10, 0, -1), strict=True))
    return total % 11 == 0 and len(set(digits)) > 1


def kind_of(digits: str) -> str | None:
    """The kind of national number that ten digits may be, or None if none."""
    if not passes_modulus_11(digits):
        return None
    if _starts_with_date(digits):
        return "CHI_NUMBER"
    if digits.startswith("3") and "320" <= digits[:3] <= "399":
        return "HC_NUMBER"
    return "NHS_NUMBER"


def _starts_with_date(digits: str) -> bool:
    day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    try:
        date(2000 + year, month, day)
    except ValueError:
        return False
    return True
