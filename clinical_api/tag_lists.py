"""Lists of item tags as headers carry them: key="…",value="…",target_path="…"; key="…"

openEHR REST API, "openehr-item-tag and openehr-version-item-tag".  A header is one line of octets:
what is not ASCII goes as UTF-8, a control character (a tag may hold a line break) as a space.
"""

import re
from collections.abc import Iterable

from clinical_api.tags import NewTag
from moiety.kit.errors import Malformed

_PAIR = re.compile(r'\s*(key|value|target_path)\s*=\s*"((?:[^"\\]|\\.)*)"\s*([,;]|$)')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST = 4096


def parse(text: str) -> list[NewTag]:
    """The tags of a header, whose octets were read as Latin-1.  Raises Malformed."""
    text = _utf8(text)
    found: list[NewTag] = []
    place, begun = 0, False
    while text[place:].strip():
        pair = _PAIR.match(text, place)
        if pair is None:
            raise Malformed(
                'A tag header is a list of key="…",value="…",target_path="…", parted by semicolons.'
            )
        if not begun:
            found.append(NewTag())
        setattr(found[-1], pair[1], re.sub(r"\\(.)", r"\1", pair[2]))
        begun, place = pair[3] == ",", pair.end()
    return found


def write(tags: Iterable[tuple[str, str | None, str]]) -> bytes | None:
    """A header of (key, value, target path); None where it would be longer than clients take."""
    text = "; ".join(
        ",".join(
            f'{name}="{_quoted(said)}"'
            for name, said in (("key", key), ("value", value), ("target_path", path or None))
            if said is not None
        )
        for key, value, path in tags
    ).encode()
    return text if len(text) <= _LONGEST else None


def _utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _quoted(text: str) -> str:
    return _CONTROL.sub(" ", text).replace("\\", "\\\\").replace('"', '\\"')
