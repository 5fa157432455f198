"""Findings in sentences: what each breaks, in the words that openEHR clients look for.

A sentence holds no value of the document, unless the deployment says that it may (the conformance
profile alone does, which sees nobody's record): then the value at the finding's path stands in it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from moiety.kit.errors import Malformed
from moiety.openehr import rm
from moiety.openehr.errors import RmError
from moiety.openehr.findings import Finding

_RANGE = re.compile(r"(\S+)\.\.(\S+)(?: (.+))?")
_STEP = re.compile(r"/([a-z_]+)(?:\[([^\]\d][^\]]*)\])?(?:\[(\d+)\])?")
_DATE = re.compile(r"\d{4}(?:-?(\d{2})(?:-?(\d{2}))?)?")
_MOST = 5
_TEMPORAL = ("DV_DURATION", "DV_DATE_TIME", "DV_DATE", "DV_TIME")


def told(findings: Sequence[Finding], document: rm.Any, *, values: bool) -> list[dict[str, Any]]:
    """The findings as an error lists them; `values`: what the document says may be repeated."""
    return [
        {
            "path": one.path,
            "rule": one.rule,
            "expected": one.expected,
            "found": one.found,
            "message": sentence(one, shown=_at(document, one.path) if values else None),
        }
        for one in findings
    ]


def summary(opening: str, listed: Iterable[Mapping[str, Any]]) -> str:
    """`opening`, then the first few sentences, each with its path."""
    sentences = list(dict.fromkeys(f"{one['path']}: {one['message']}" for one in listed))
    more = f" … {len(sentences) - _MOST} more." if len(sentences) > _MOST else ""
    return f"{opening} {'; '.join(sentences[:_MOST])}{more}"


def sentence(finding: Finding, *, shown: rm.Any | float | str | None = None) -> str:
    """One finding; `shown` is what stands at its path, where that may be repeated."""
    rm_class, _, invariant = finding.expected.partition(": ")
    if finding.rule == "invariant" and rm_class == "ISM_TRANSITION":
        return f"No valid transition found for ism transition{_transition(shown)}"
    if finding.rule == "code" and "/ism_transition/current_state" in finding.path:
        return "IsmTransition contains invalid current_state"
    if finding.rule == "invariant" and invariant:
        return f"Invariant {invariant} failed on type {_plain_class(rm_class)}"
    if finding.rule == "range" and (bounds := _RANGE.fullmatch(finding.expected)):
        return _outside(bounds, shown)
    if finding.found == "missing" and finding.rule in {"required", "existence"}:
        attribute, _, owner = finding.expected.split()[0][::-1].partition(".")
        return f"Attribute {attribute[::-1]} of class {owner[::-1]} does not match existence 1..1"
    if finding.rule == "value" and finding.structural:
        return unparsable(finding.expected.rpartition(" ")[2], shown)
    return f"expected {finding.expected}, found {finding.found}"


def unparsable(rm_class: str, text: Any = None) -> str:
    """A text that is no date, time or duration."""
    if rm_class == "DV_DURATION":
        return "Text cannot be parsed to a Period" + (f":{text}" if text else "")
    if not isinstance(text, str):
        return f"The text is no {rm_class} of ISO 8601"
    found = _DATE.match(text)
    if found and found[1] and not 1 <= int(found[1]) <= 12:
        return f"Invalid value for MonthOfYear (valid values 1 - 12): {int(found[1])}:{text}"
    if found and found[2] and not 1 <= int(found[2]) <= 31:
        return f"Invalid value for DayOfMonth (valid values 1 - 28/31): {int(found[2])}:{text}"
    return f"Text '{text}' could not be parsed to a {rm_class}"


def broken_field(error: RmError, body: bytes, *, values: bool) -> Malformed:
    """What is told of a simplified document that is no composition."""
    shown = _field(body, error.path) if values else None
    message = error.reason
    for rm_class in _TEMPORAL:
        if rm_class in error.reason:
            message = unparsable(rm_class, shown)
    place = {"path": error.path, "rule": "structure", "expected": error.reason, "message": message}
    return Malformed(summary("The composition is not well-formed:", [place]), findings=[place])


def _field(body: bytes, path: str) -> Any:
    """The text of a FLAT field, by its path; indexes may be left out where they are 0."""
    try:
        fields = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    wanted = path.replace(":0", "")
    told = fields.items() if isinstance(fields, dict) else ()
    return next((text for key, text in told if key.replace(":0", "") == wanted), None)


def _outside(bounds: "re.Match[str]", shown: Any) -> str:
    said = [
        f"{word} {bound}"
        for word, bound in (("at least", bounds[1]), ("at most", bounds[2]))
        if bound != "*"
    ]
    unit = f" {bounds[3]}" if bounds[3] else ""
    which = f" {shown}" if isinstance(shown, int | float | str) else ""
    return f"The value{which} must be {' and '.join(said)}{unit}"


def _plain_class(rm_class: str) -> str:
    """Limits_consistent is an invariant of INTERVAL, which DV_INTERVAL inherits."""
    return "INTERVAL" if rm_class == "DV_INTERVAL" else rm_class


def _transition(shown: Any) -> str:
    code = shown.defining_code if isinstance(shown, rm.DvCodedText) else None
    if code is None or code.terminology_id is None:
        return ""
    return f"[{shown.value}/{code.terminology_id.value}/{code.code_string}]"


def _at(document: rm.Any, path: str) -> Any:
    """What stands at a finding's path; None where the path does not lead to one thing."""
    here: Any = document
    for name, node_id, ordinal in _STEP.findall(path):
        here = getattr(here, name, None)
        if isinstance(here, list):
            same = [
                one for one in here
                if not node_id or getattr(one, "archetype_node_id", None) == node_id
            ]  # fmt: skip
            here = same[int(ordinal or 1) - 1] if len(same) >= int(ordinal or 1) else None
    return here
