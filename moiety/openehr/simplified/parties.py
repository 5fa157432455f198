"""Parties, participations and references ↔ fields (Simplified Formats, "RM Mappings")."""

from typing import Any, NamedTuple

from moiety.openehr import rm
from moiety.openehr.errors import RmError
from moiety.openehr.rubrics import RUBRICS, find_code
from moiety.openehr.simplified.fields import Fields
from moiety.openehr.simplified.values import read_raw, text_of


class References(NamedTuple):
    """What ctx says of outside references: the namespace and scheme of their ids."""

    namespace: str | None
    scheme: str | None

    def to(
        self,
        number: str | None,
        *,
        namespace: str | None = None,
        scheme: str | None = None,
        of_type: str = "PARTY",
    ) -> rm.PartyRef | None:
        """A reference to a party by its id; None without one."""
        if number is None:
            return None
        scheme = scheme or self.scheme
        identifier = (
            rm.GenericId(value=number, scheme=scheme) if scheme else rm.HierObjectId(number)
        )
        return rm.PartyRef(namespace=namespace or self.namespace, type=of_type, id=identifier)


NO_REFERENCES = References(None, None)


def _texts(fields: Fields, *suffixes: str) -> list[str | None]:
    found = (fields.get(suffix) for suffix in suffixes)
    return [None if value is None else text_of(value) for value in found]


# --- parties


def read_party(fields: Fields, references: References = NO_REFERENCES) -> Any:
    """PARTY_IDENTIFIED, PARTY_RELATED where a relationship is told, PARTY_SELF where said."""
    if fields.has("raw"):
        return read_raw(fields.get("raw"))
    name, number, scheme, namespace, of_type, of_class = _texts(
        fields, "name", "id", "id_scheme", "id_namespace", "type", "_type"
    )
    reference = references.to(
        number, namespace=namespace, scheme=scheme, of_type=of_type or "PARTY"
    )
    if of_class == "PARTY_SELF":
        return rm.PartySelf(external_ref=reference)
    known: dict[str, Any] = {"external_ref": reference, "name": name}
    known["identifiers"] = [_identifier(node) for node in fields.many("_identifier")] or None
    relationship = fields.one("relationship", "_relationship")
    if relationship is None and of_class != "PARTY_RELATED":
        return rm.PartyIdentified(**known)
    return rm.PartyRelated(**known, relationship=_relationship(relationship))


def _identifier(fields: Fields) -> rm.DvIdentifier:
    number, issuer, assigner, of_type = _texts(fields, "id", "issuer", "assigner", "type")
    return rm.DvIdentifier(id=number, issuer=issuer, assigner=assigner, type=of_type)


def _relationship(fields: Fields | None) -> rm.DvCodedText | None:
    if fields is None:
        return None
    if fields.has("raw"):
        found = read_raw(fields.get("raw"))
        return found if isinstance(found, rm.DvCodedText) else None
    code, terminology, value = _texts(fields, "code", "terminology", "value")
    group = "subject relationship"
    if value is None and code is not None:
        value = RUBRICS[group].get(code)
    phrase = rm.CodePhrase(rm.TerminologyId(terminology or "openehr"), code)
    return rm.DvCodedText(value=value, defining_code=phrase)


def write_party(party: Any) -> Fields:
    """The fields of a party; whoever reads them back may compare."""
    fields = Fields()
    values: dict[str, Any] = {}
    if isinstance(party, rm.PartySelf):
        values["_type"] = "PARTY_SELF"
    else:
        values["name"] = party.name
    values |= _reference(party.external_ref)
    fields.values = {key: value for key, value in values.items() if value is not None}
    for identifier in getattr(party, "identifiers", None) or ():
        fields.put("_identifier", _of(identifier), repeated=True)
    if isinstance(party, rm.PartyRelated) and party.relationship is not None:
        fields.put("relationship", _coded(party.relationship))
    return fields


def _reference(reference: rm.PartyRef | None) -> dict[str, Any]:
    if reference is None or reference.id is None:
        return {}
    scheme = reference.id.scheme if isinstance(reference.id, rm.GenericId) else None
    of_type = None if reference.type == "PARTY" else reference.type
    return {
        "id": reference.id.value,
        "id_scheme": scheme,
        "id_namespace": reference.namespace,
        "type": of_type,
    }


def _of(identifier: rm.DvIdentifier) -> Fields:
    fields = Fields()
    names = ("id", "issuer", "assigner", "type")
    values = {name: getattr(identifier, name) for name in names}
    fields.values = {name: value for name, value in values.items() if value is not None}
    return fields


def _coded(text: rm.DvCodedText) -> Fields:
    fields = Fields()
    phrase = text.defining_code
    values: dict[str, Any] = {"value": text.value}
    if phrase is not None:
        values["code"] = phrase.code_string
        values["terminology"] = phrase.terminology_id.value if phrase.terminology_id else None
    fields.values = {name: value for name, value in values.items() if value is not None}
    return fields


# --- participations


def read_participation(fields: Fields, references: References = NO_REFERENCES) -> Any:
    """A PARTICIPATION from its fields. Raises RmError for a mode that there is not."""
    if fields.has("raw"):
        return read_raw(fields.get("raw"))
    function, mode = _texts(fields, "function", "mode")
    return rm.Participation(
        function=rm.DvText(value=function) if function is not None else None,
        mode=_mode(mode) if mode is not None else None,
        performer=read_party(fields, references),
    )


def _mode(text: str) -> rm.DvCodedText:
    group = "participation mode"
    code = find_code(group, text)
    if code is None:
        raise RmError("", "names no participation mode")
    phrase = rm.CodePhrase(rm.TerminologyId("openehr"), code)
    return rm.DvCodedText(value=RUBRICS[group][code], defining_code=phrase)


def write_participation(participation: Any) -> Fields:
    """The fields of a PARTICIPATION."""
    performer = participation.performer
    fields = write_party(performer) if performer is not None else Fields()
    told: dict[str, Any] = {}
    if participation.function is not None:
        told["function"] = participation.function.value
    if participation.mode is not None:
        told["mode"] = participation.mode.value
    fields.values = told | fields.values
    return fields


# --- references to objects


def read_object_ref(fields: Fields, references: References = NO_REFERENCES) -> Any:
    """An OBJECT_REF from its fields, what they leave out from `references`."""
    if fields.has("raw"):
        return read_raw(fields.get("raw"))
    of_type, namespace, number, id_scheme, scheme = _texts(
        fields, "type", "namespace", "id", "id_scheme", "scheme"
    )
    scheme = id_scheme or scheme or references.scheme
    identifier: rm.GenericId | rm.HierObjectId | None = None
    if number is not None:
        identifier = rm.GenericId(value=number, scheme=scheme) if scheme else None
        identifier = identifier or rm.HierObjectId(number)
    return rm.ObjectRef(namespace=namespace or references.namespace, type=of_type, id=identifier)


def write_object_ref(reference: Any) -> Fields:
    """The fields of an OBJECT_REF."""
    fields = Fields()
    number = reference.id
    values = {
        "type": reference.type,
        "namespace": reference.namespace,
        "id": number.value if number is not None else None,
        "id_scheme": number.scheme if isinstance(number, rm.GenericId) else None,
    }
    fields.values = {name: value for name, value in values.items() if value is not None}
    return fields


def read_instruction_details(fields: Fields, _: References = NO_REFERENCES) -> Any:
    """INSTRUCTION_DETAILS from their fields."""
    if fields.has("raw"):
        return read_raw(fields.get("raw"))
    path, composition_uid, activity_id = _texts(fields, "path", "composition_uid", "activity_id")
    uid: rm.ObjectVersionId | rm.HierObjectId | None = None
    if composition_uid is not None:
        versioned = "::" in composition_uid
        uid = rm.ObjectVersionId(composition_uid) if versioned else rm.HierObjectId(composition_uid)
    return rm.InstructionDetails(
        instruction_id=rm.LocatableRef(namespace="local", type="COMPOSITION", id=uid, path=path),
        activity_id=activity_id,
    )


def write_instruction_details(details: Any) -> Fields:
    """The fields of INSTRUCTION_DETAILS."""
    fields = Fields()
    reference = details.instruction_id
    values = {
        "path": reference.path if reference is not None else None,
        "composition_uid": reference.id.value if reference is not None and reference.id else None,
        "activity_id": details.activity_id,
    }
    fields.values = {name: value for name, value in values.items() if value is not None}
    return fields
