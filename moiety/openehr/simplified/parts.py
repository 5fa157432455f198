"""How the classes of the model are spread over fields (Simplified Formats, "RM Mappings").

A part is a place and an attribute: "" is the plain value, "|unit" a suffix, "/_language" a
node below, "/_mapping:" several of them. What no table can say has a function in values.
"""

from dataclasses import dataclass, field

from moiety.openehr import rm


@dataclass(frozen=True, slots=True)
class Part:
    """`of` is the class of a node below, or of what a code stands for; `terminology` the one
    that a bare code belongs to; `aliases` are other names that documents use. What derives from
    these is kept beside them: reading asks for it many times.
    """

    place: str
    attribute: str
    of: type[rm.Any] | None = None
    terminology: str = ""
    aliases: tuple[str, ...] = ()
    name: str = field(init=False)
    keys: tuple[str, ...] = field(init=False)
    is_node: bool = field(init=False)
    is_list: bool = field(init=False)

    def __post_init__(self) -> None:
        name = self.place.strip("/|:")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "keys", (name, *self.aliases))
        object.__setattr__(self, "is_node", self.place.startswith("/"))
        object.__setattr__(self, "is_list", self.place.endswith(":"))


_STATUS = Part("|normal_status", "normal_status", rm.CodePhrase, "openehr_normal_statuses")
_RANGES = (
    _STATUS,
    Part("/_normal_range", "normal_range", rm.DvInterval),
    Part("/_other_reference_ranges:", "other_reference_ranges", rm.ReferenceRange),
)
_QUANTIFIED = (Part("|magnitude_status", "magnitude_status"), *_RANGES)
_AMOUNT = (
    Part("|accuracy", "accuracy"),
    Part("|accuracy_is_percent", "accuracy_is_percent"),
    *_QUANTIFIED,
)
_TEMPORAL = (
    Part("", "value", aliases=("value",)),
    Part("/_accuracy", "accuracy", rm.DvDuration),
    *_QUANTIFIED,
)
_ENCAPSULATED = (
    Part("/_charset", "charset", rm.CodePhrase),
    Part("/_language", "language", rm.CodePhrase),
)
_VALUE = (Part("", "value", aliases=("value",)),)

TEXT = (
    Part("|formatting", "formatting"),
    Part("/_hyperlink", "hyperlink", rm.DvUri),
    Part("/_language", "language", rm.CodePhrase),
    Part("/_encoding", "encoding", rm.CodePhrase),
    Part("/_mapping:", "mappings", rm.TermMapping),
)
ORDINAL = _RANGES

PARTS: dict[type[rm.Any], tuple[Part, ...]] = {
    rm.CodePhrase: (
        Part("|code", "code_string"),
        Part("|terminology", "terminology_id", rm.TerminologyId, aliases=("terminology_id",)),
        Part("|preferred_term", "preferred_term"),
    ),
    rm.TermMapping: (
        Part("|match", "match"),
        Part("/target", "target", rm.CodePhrase),
        Part("/purpose", "purpose", rm.DvCodedText),
    ),
    rm.DvBoolean: _VALUE,
    rm.DvUri: _VALUE,
    rm.DvEhrUri: _VALUE,
    rm.DvDate: _TEMPORAL,
    rm.DvTime: _TEMPORAL,
    rm.DvDateTime: _TEMPORAL,
    rm.DvDuration: (Part("", "value", aliases=("value",)), *_AMOUNT),
    rm.DvCount: (Part("", "magnitude", aliases=("magnitude",)), *_AMOUNT),
    rm.DvQuantity: (
        Part("|magnitude", "magnitude", aliases=("",)),
        Part("|unit", "units", aliases=("units",)),
        Part("|precision", "precision"),
        Part("|units_system", "units_system"),
        Part("|units_display_name", "units_display_name"),
        *_AMOUNT,
    ),
    rm.DvProportion: (
        Part("|numerator", "numerator"),
        Part("|denominator", "denominator"),
        Part("|type", "type"),
        Part("|precision", "precision"),
        *_AMOUNT,
    ),
    rm.DvIdentifier: (
        Part("|id", "id", aliases=("",)),
        Part("|type", "type"),
        Part("|issuer", "issuer"),
        Part("|assigner", "assigner"),
    ),
    rm.DvParsable: (
        Part("", "value", aliases=("value",)),
        Part("|formalism", "formalism"),
        *_ENCAPSULATED,
    ),
    rm.DvMultimedia: (
        Part("", "uri", rm.DvUri, aliases=("uri", "url")),
        Part(
            "|mediatype", "media_type", rm.CodePhrase, "IANA_media-types", aliases=("media_type",)
        ),
        Part("|size", "size"),
        Part("|data", "data"),
        Part("|alternatetext", "alternate_text", aliases=("alternate_text",)),
        Part(
            "|compression_algorithm",
            "compression_algorithm",
            rm.CodePhrase,
            "openehr_compression_algorithms",
        ),
        Part("|integrity_check", "integrity_check"),
        Part(
            "|integrity_check_algorithm",
            "integrity_check_algorithm",
            rm.CodePhrase,
            "openehr_integrity_check_algorithms",
        ),
        Part("/_thumbnail", "thumbnail", rm.DvMultimedia),
        *_ENCAPSULATED,
    ),
    rm.Link: (
        Part("|meaning", "meaning", rm.DvText),
        Part("|type", "type", rm.DvText),
        Part("|target", "target", rm.DvEhrUri),
    ),
    rm.FeederAuditDetails: (
        Part("|system_id", "system_id"),
        Part("/location", "location", rm.PartyIdentified),
        Part("/provider", "provider", rm.PartyIdentified),
        Part("/subject", "subject", rm.PartyIdentified),
        Part("|time", "time", rm.DvDateTime),
        Part("|version_id", "version_id"),
    ),
    rm.FeederAudit: (
        Part("/originating_system_item_id:", "originating_system_item_ids", rm.DvIdentifier),
        Part("/feeder_system_item_id:", "feeder_system_item_ids", rm.DvIdentifier),
        Part("/original_content", "original_content", rm.DvParsable),
        Part("/original_content_multimedia", "original_content", rm.DvMultimedia),
        Part("/originating_system_audit", "originating_system_audit", rm.FeederAuditDetails),
        Part("/feeder_system_audit", "feeder_system_audit", rm.FeederAuditDetails),
    ),
    rm.IsmTransition: (
        Part("/current_state", "current_state", rm.DvCodedText),
        Part("/transition", "transition", rm.DvCodedText),
        Part("/careflow_step", "careflow_step", rm.DvCodedText),
        Part("/_reason:", "reason", rm.DvText),
    ),
}
"""Class → its parts, in the order in which they are written."""
