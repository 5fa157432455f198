"""Invariants of the reference model (RM 1.1.0, "Invariants" of each class): what attributes must
be to one another. Each function tells (attribute, rule's name in the specification); those of
classes that a document is full of return tuples, which cost less than generators.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from moiety.openehr import rm
from moiety.openehr.code_sets import is_known
from moiety.openehr.terminology import GROUPS, STATE_AFTER, is_foreign, openehr_code

Broken: TypeAlias = Iterable[tuple[str, str]]

_MATCHES = frozenset("=<>?")
_STATUSES = frozenset({"=", "<", ">", "<=", ">=", "~"})


def _proportion(value: rm.DvProportion) -> Broken:
    numerator, denominator, kind = value.numerator, value.denominator, value.type
    if kind is not None and not 0 <= kind <= 4:
        yield "type", "Type_validity"
    if denominator == 0:
        yield "denominator", "Valid_denominator"
    elif kind == 1 and denominator not in {1, None}:
        yield "denominator", "Unitary_validity"
    elif kind == 2 and denominator not in {100, None}:
        yield "denominator", "Percent_validity"
    if kind in {3, 4} and not (_whole(numerator) and _whole(denominator)):
        yield "numerator", "Fraction_validity"
    if value.precision == 0 and not (_whole(numerator) and _whole(denominator)):
        yield "precision", "Is_integral_validity"
    yield from _quantified(value)


def _whole(number: float | None) -> bool:
    return number is None or float(number).is_integer()


def _quantified(value: rm.DvQuantified) -> Broken:
    if value.magnitude_status is not None and value.magnitude_status not in _STATUSES:
        yield "magnitude_status", "Magnitude_status_valid"


def _quantity(value: rm.DvQuantity) -> Broken:
    if value.precision is not None and value.precision < -1:
        return (("precision", "Precision_valid"), *_quantified(value))
    return () if value.magnitude_status is None else _quantified(value)


def _interval(value: rm.DvInterval) -> Broken:
    for side in ("lower", "upper"):
        bound = getattr(value, side)
        unbounded = getattr(value, f"{side}_unbounded")
        if unbounded and bound is not None:
            yield side, f"{side.capitalize()}_unbounded_valid"
        if unbounded is False and bound is None:
            yield side, f"{side.capitalize()}_bound_present"
        if unbounded and getattr(value, f"{side}_included"):
            yield f"{side}_included", f"{side.capitalize()}_included_valid"
    if value.lower is not None and value.upper is not None:
        if type(value.lower) is not type(value.upper):
            yield "upper", "Limits_comparable"
        elif _magnitude(value.lower) > _magnitude(value.upper):
            yield "upper", "Limits_consistent"


def _magnitude(value: Any) -> float:
    """A number that orders; texts of times are ordered where they are parsed."""
    if isinstance(value, rm.DvOrdinal | rm.DvScale):
        return value.value or 0
    if isinstance(value, rm.DvProportion):
        return (value.numerator or 0) / (value.denominator or 1)
    found = getattr(value, "magnitude", None)
    return found if isinstance(found, int | float) else 0


def _code_phrase(value: rm.CodePhrase) -> Broken:
    if value.code_string == "":
        return (("code_string", "Code_string_valid"),)
    terminology = value.terminology_id.value if value.terminology_id is not None else None
    if terminology is None or is_known(terminology, value.code_string or ""):
        return ()
    registry = terminology.startswith("IANA")
    return (("code_string", "Code_in_registry" if registry else "Code_in_set"),)


def _term_mapping(value: rm.TermMapping) -> Broken:
    if value.match is not None and value.match not in _MATCHES:
        yield "match", "Match_valid"
    if is_foreign(value.purpose, "term mapping purpose"):
        yield "purpose", "Purpose_valid"


def _identified(value: rm.PartyIdentified) -> Broken:
    if value.name is None and not value.identifiers and value.external_ref is None:
        yield "name", "Basic_validity"
    if value.name == "":
        yield "name", "Name_valid"


def _object_id(value: rm.ObjectId) -> Broken:
    return (("value", "Value_valid"),) if value.value == "" else ()


def _multimedia(value: rm.DvMultimedia) -> Broken:
    if value.uri is None and value.data is None:
        yield "data", "Not_empty"
    if value.size is not None and value.size < 0:
        yield "size", "Size_valid"
    if value.integrity_check is not None and value.integrity_check_algorithm is None:
        yield "integrity_check_algorithm", "Integrity_check_validity"


def _element(value: rm.Element) -> Broken:
    if value.null_flavour is None and value.null_reason is None and value.value is not None:
        return ()
    return _null_element(value)


def _null_element(value: rm.Element) -> Broken:
    if value.value is None and value.null_flavour is None:
        yield "value", "Inv_null_flavour_indicated"
    if value.value is not None and value.null_flavour is not None:
        yield "null_flavour", "Inv_null_flavour_indicated"
    if value.null_reason is not None and value.null_flavour is None:
        yield "null_reason", "Inv_null_reason"
    if value.null_flavour is not None and is_foreign(value.null_flavour, "null flavours"):
        yield "null_flavour", "Inv_null_flavour_valid"


def _identifier(value: rm.DvIdentifier) -> Broken:
    if value.id == "":
        yield "id", "Id_valid"


def _parsable(value: rm.DvParsable) -> Broken:
    if value.formalism == "":
        yield "formalism", "Formalism_valid"


def _uri(value: rm.DvUri) -> Broken:
    if value.value == "":
        yield "value", "Value_valid"


def _ehr_uri(value: rm.DvEhrUri) -> Broken:
    if value.value is not None and not value.value.startswith("ehr:"):
        yield "value", "Scheme_valid"


def _composition(value: rm.Composition) -> Broken:
    if is_foreign(value.category, "composition category"):
        yield "category", "Category_validity"
    if value.content == []:
        yield "content", "Content_valid"


def _context(value: rm.EventContext) -> Broken:
    if is_foreign(value.setting, "setting"):
        yield "setting", "Setting_valid"
    if value.location == "":
        yield "location", "Location_valid"


def _ism_transition(value: rm.IsmTransition) -> Broken:
    state, transition = openehr_code(value.current_state), openehr_code(value.transition)
    if value.current_state is not None and state not in GROUPS["instruction states"]:
        yield "current_state", "Current_state_valid"
    elif value.transition is not None and STATE_AFTER.get(transition or "") != state:
        yield "transition", "Transition_valid"


def _interval_event(value: rm.IntervalEvent) -> Broken:
    if is_foreign(value.math_function, "event math function"):
        yield "math_function", "Math_function_validity"


def _participation(value: rm.Participation) -> Broken:
    if is_foreign(value.mode, "participation mode"):
        yield "mode", "Mode_valid"


def _related(value: rm.PartyRelated) -> Broken:
    if is_foreign(value.relationship, "subject relationship"):
        yield "relationship", "Relationship_valid"
    yield from _identified(value)


def _audit(value: rm.AuditDetails) -> Broken:
    if is_foreign(value.change_type, "audit change type"):
        yield "change_type", "Change_type_valid"
    if value.system_id == "":
        yield "system_id", "System_id_valid"


def _attestation(value: rm.Attestation) -> Broken:
    if is_foreign(value.reason, "attestation reason"):
        yield "reason", "Reason_valid"
    yield from _audit(value)


def _object_ref(value: rm.ObjectRef) -> Broken:
    for name in ("namespace", "type"):
        if getattr(value, name) == "":
            yield name, f"{name.capitalize()}_valid"


TOLERATED = frozenset({"Not_empty", "Scheme_valid", "Code_in_registry"})
"""Rules that deployed repositories do not hold documents to: a remark, not a finding. Media
without data or place, and links to places that are no EHR URI, are met in real documents;
and IANA registers media types and character sets that our list does not have.
"""

INVARIANTS: dict[type[rm.Any], Callable[[Any], Broken]] = {
    rm.DvProportion: _proportion,
    rm.DvQuantity: _quantity,
    rm.DvCount: _quantified,
    rm.DvInterval: _interval,
    rm.CodePhrase: _code_phrase,
    rm.TermMapping: _term_mapping,
    rm.PartyIdentified: _identified,
    rm.PartyRelated: _related,
    rm.Composition: _composition,
    rm.EventContext: _context,
    rm.IsmTransition: _ism_transition,
    rm.IntervalEvent: _interval_event,
    rm.Participation: _participation,
    rm.AuditDetails: _audit,
    rm.Attestation: _attestation,
    rm.ObjectRef: _object_ref,
    rm.PartyRef: _object_ref,
    rm.LocatableRef: _object_ref,
    rm.AccessGroupRef: _object_ref,
    rm.TerminologyId: _object_id,
    rm.ArchetypeId: _object_id,
    rm.TemplateId: _object_id,
    rm.HierObjectId: _object_id,
    rm.ObjectVersionId: _object_id,
    rm.GenericId: _object_id,
    rm.DvMultimedia: _multimedia,
    rm.Element: _element,
    rm.DvIdentifier: _identifier,
    rm.DvParsable: _parsable,
    rm.DvUri: _uri,
    rm.DvEhrUri: _ehr_uri,
}
"""Struct → its invariants. Texts of dates and times are checked where they are parsed."""
