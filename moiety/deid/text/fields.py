"""Fields that are redacted whole, because what they are says what they hold."""

import re
from collections.abc import Iterator

from moiety.deid.text.context import Context
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

_FIELDS: tuple[tuple[Label, re.Pattern[str]], ...] = tuple(
    (label, re.compile(pattern, re.IGNORECASE))
    for label, pattern in (
        (Label.DATE_OF_BIRTH, r"\bdob\b|date ?of ?birth|birth ?date|birthday"),
        (Label.NHS_NUMBER, r"\bnhs ?(?:no|num|number|id)?\b|\bchi\b|h ?& ?c number"),
        (Label.HOSPITAL_NUMBER, r"\bmrn\b|hospital ?(?:no|num|number|id)|patient ?(?:no|num|number|id)|medical ?record|unit ?(?:no|number)|case ?note"),
        (Label.ACCESSION_NUMBER, r"accession|specimen ?(?:no|num|number|id)|lab ?(?:no|num|number|id)"),
        (Label.GMC_NUMBER, r"\bgmc\b"),
        (Label.HCPC_NUMBER, r"\bhcpc\b"),
        (Label.EMAIL, r"e-?mail"),
        (Label.EXTENSION, r"\bext(?:ension)?\b|bleep|pager"),
        (Label.TELEPHONE, r"telephone|\btel\b|phone|mobile|\bfax\b|contact ?(?:no|number)"),
        (Label.POSTCODE, r"post ?code|zip"),
        (Label.GP_IDENTIFIER, r"gp ?(?:code|identifier|practice|id|number)|practice ?(?:code|name)"),
        (Label.ADDRESS_LINE, r"address|street|\btown\b|\bcounty\b|residence"),
        (Label.HOSPITAL_NAME, r"hospital ?(?:name)?$|\btrust\b|provider ?name|site ?name"),
        (Label.INITIALS, r"^initials?$"),
        (Label.NAME, r"\b(?:sur|fore|first|last|middle|given|family|full|maiden|patient|birth)[ -]?names?\b|^names?$|consultant|next ?of ?kin|\bnok\b|clinician|practitioner|\bgp\b|composer|performer|carer|relative|signature|author|surgeon|requester|referrer|reporter"),
    )
)  # fmt: skip
_ANY_FIELD = re.compile("|".join(f"(?:{pattern.pattern})" for _, pattern in _FIELDS), re.IGNORECASE)
_PATH: tuple[tuple[Label, re.Pattern[str]], ...] = tuple(
    (label, re.compile(pattern, re.IGNORECASE))
    for label, pattern in (
        (Label.NAME, r"(?:^|/)(?:composer|committer|performer|party|author|provider|subject|participations|other_participations|relationships|identities)(?:\[[^\]]*\])?(?:/|\|).*name|/performer/name|\|(?:composer_name|participation_name)"),
        (Label.HOSPITAL_NUMBER, r"(?:identifiers|feeder_audit|originating_system_item_ids|external_ref)(?:\[[^\]]*\])?(?::\d+)?(?:/|\|).*(?:id|value)$"),
        (Label.HOSPITAL_NAME, r"(?:^|/)(?:health_care_facility|location)(?:/|\||$)"),
        (Label.EMAIL, r"(?:uri|DV_URI)(?:/value)?$"),
    )
)  # fmt: skip


def find(text: str, context: Context) -> Iterator[Span]:
    """One span over the whole text where its field or path names an identifier."""
    label = label_of(context)
    if label and (stripped := text.strip()):
        start = text.index(stripped)
        yield Span(start, start + len(stripped), label, 1.0, "whole field")


def label_of(context: Context) -> Label | None:
    """What the field or the path says that it holds; None where it says nothing."""
    named = _FIELDS if _ANY_FIELD.search(context.field or "") else ()
    for source, rules in ((context.field, named), (context.path, _PATH)):
        for label, pattern in rules if source else ():
            if pattern.search(source or ""):
                return label
    if context.path:
        return label_of(Context(field=_node_names(context.path)))
    return None


def _node_names(path: str) -> str | None:
    """The name of the last node: what stands in quotes in its predicate, or the last attribute."""
    quoted: list[str] = re.findall(r"'([^']{1,80})'", path)
    if quoted:
        return quoted[-1]
    parts = [p for p in re.split(r"[/|]", path) if p and p not in ("value", "defining_code")]
    return parts[-1].replace("_", " ") if parts else None
