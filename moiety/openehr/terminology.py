"""Codes of the openEHR terminology by group, as the invariants of RM 1.1.0 use them.

Source: openEHR Terminology, release 3 (openehr_terminology.xml); codes alone, no rubrics.
"""

from moiety.openehr import rm

_RANGES = {
    "attestation reason": "240 648",
    "audit change type": "249-253 523 666 816 817",
    "composition category": "431 433 451 815",
    "event math function": "144-149 267 268 521 522 640",
    "instruction states": "245 524 526-533",
    "instruction transitions": "166 534-552",
    "null flavours": "253 271-273",
    "participation mode": "193-224",
    "setting": "225 227-238 802",
    "subject relationship": "0 3 6-10 22-29 31 36-41 189 253-265",
    "term mapping purpose": "669-671",
    "version lifecycle state": "523 532 553 800 801",
}


def _expand(ranges: str) -> frozenset[str]:
    codes: set[str] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        codes.update(str(code) for code in range(int(first), int(last or first) + 1))
    return frozenset(codes)


GROUPS: dict[str, frozenset[str]] = {name: _expand(codes) for name, codes in _RANGES.items()}

STATE_AFTER: dict[str, str] = {
    "535": "524",  # initiate → initial
    "536": "526",  # plan step → planned
    "538": "526",  # restore → planned
    "537": "527",  # postpone → postponed
    "542": "527",  # postponed step → postponed
    "166": "528",  # cancel → cancelled
    "552": "528",  # notify cancelled → cancelled
    "539": "529",  # schedule → scheduled
    "534": "529",  # scheduled step → scheduled
    "540": "245",  # start → active
    "543": "245",  # active step → active
    "546": "245",  # resume → active
    "544": "530",  # suspend → suspended
    "545": "530",  # suspended step → suspended
    "547": "531",  # abort → aborted
    "550": "531",  # notify aborted → aborted
    "541": "532",  # do → completed
    "548": "532",  # finish → completed
    "551": "532",  # notify completed → completed
    "549": "533",  # time out → expired
}
"""The instruction state machine (RM 1.1.0, ehr.composition.entry): transition → state."""


def openehr_code(text: rm.DvText | rm.DvCodedText | None) -> str | None:
    """The code of a coded text in the terminology openehr; None for any other text."""
    if not isinstance(text, rm.DvCodedText) or text.defining_code is None:
        return None
    terminology = text.defining_code.terminology_id
    if terminology is None or terminology.value != "openehr":
        return None
    return text.defining_code.code_string


def is_foreign(text: rm.DvText | rm.DvCodedText | None, group: str) -> bool:
    """Whether a text bears a code of terminology openehr that its group does not have."""
    code = openehr_code(text)
    return code is not None and code not in GROUPS[group]
