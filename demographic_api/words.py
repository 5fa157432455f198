"""Names as they are compared: case, accents, hyphens and spaces evened out."""

import re
import unicodedata

# Letters that do not decompose into a base letter and a mark.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})
_BETWEEN = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """`text` casefolded, without accents and punctuation, its words parted by one space.

    "O’Neill-Łukasz  José" becomes "oneill lukasz jose": apostrophes join, all else parts.
    """
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN)
    letters = "".join(sign for sign in folded if not unicodedata.combining(sign))
    joined = letters.replace("'", "").replace("’", "").replace("‘", "")
    return _BETWEEN.sub(" ", joined).strip()
