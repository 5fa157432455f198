"""Data values (RM 1.1.0, data_types): one struct a class, in the order of the specification."""

from typing import ClassVar, TypeAlias

from moiety.openehr.rm.base import Any, Integer
from moiety.openehr.rm.support import TerminologyId


class DataValue(Any):
    """DATA_VALUE (abstract)."""


# --- basic


class DvBoolean(DataValue):
    required: ClassVar[tuple[str, ...]] = ("value",)
    value: bool | None = None


class DvIdentifier(DataValue):
    required: ClassVar[tuple[str, ...]] = ("id",)
    issuer: str | None = None
    assigner: str | None = None
    id: str | None = None
    type: str | None = None


class DvState(DataValue):
    required: ClassVar[tuple[str, ...]] = ("value", "is_terminal")
    value: "DvCodedText | None" = None
    is_terminal: bool | None = None


# --- uri


class DvUri(DataValue):
    required: ClassVar[tuple[str, ...]] = ("value",)
    value: str | None = None


class DvEhrUri(DvUri): ...


Uri: TypeAlias = DvUri | DvEhrUri

# --- text


class CodePhrase(Any):
    required: ClassVar[tuple[str, ...]] = ("terminology_id", "code_string")
    terminology_id: TerminologyId | None = None
    code_string: str | None = None
    preferred_term: str | None = None


class DvText(DataValue):
    required: ClassVar[tuple[str, ...]] = ("value",)
    value: str | None = None
    hyperlink: Uri | None = None
    formatting: str | None = None
    mappings: "list[TermMapping] | None" = None
    language: CodePhrase | None = None
    encoding: CodePhrase | None = None


class DvCodedText(DvText):
    required: ClassVar[tuple[str, ...]] = ("defining_code",)
    defining_code: CodePhrase | None = None


Text: TypeAlias = DvText | DvCodedText


class TermMapping(Any):
    required: ClassVar[tuple[str, ...]] = ("match", "target")
    match: str | None = None
    purpose: DvCodedText | None = None
    target: CodePhrase | None = None


class DvParagraph(DataValue):
    required: ClassVar[tuple[str, ...]] = ("items",)
    items: list[Text] | None = None


# --- quantity


class DvOrdered(DataValue):
    """DV_ORDERED (abstract)."""

    normal_status: CodePhrase | None = None
    normal_range: "DvInterval | None" = None
    other_reference_ranges: "list[ReferenceRange] | None" = None


class DvInterval(DataValue):
    """DV_INTERVAL<T>: the bounds are any ordered value, both of one class."""

    required: ClassVar[tuple[str, ...]] = ("lower_unbounded", "upper_unbounded")
    lower: "Ordered | None" = None
    upper: "Ordered | None" = None
    lower_included: bool | None = None
    upper_included: bool | None = None
    lower_unbounded: bool | None = None
    upper_unbounded: bool | None = None


class ReferenceRange(Any):
    required: ClassVar[tuple[str, ...]] = ("meaning", "range")
    meaning: Text | None = None
    range: DvInterval | None = None


class DvOrdinal(DvOrdered):
    required: ClassVar[tuple[str, ...]] = ("value", "symbol")
    value: Integer | None = None
    symbol: DvCodedText | None = None


class DvScale(DvOrdered):
    required: ClassVar[tuple[str, ...]] = ("value", "symbol")
    value: float | None = None
    symbol: DvCodedText | None = None


class DvQuantified(DvOrdered):
    """DV_QUANTIFIED (abstract)."""

    magnitude_status: str | None = None


class DvAmount(DvQuantified):
    """DV_AMOUNT (abstract)."""

    accuracy: float | None = None
    accuracy_is_percent: bool | None = None


class DvQuantity(DvAmount):
    required: ClassVar[tuple[str, ...]] = ("magnitude", "units")
    magnitude: float | None = None
    units: str | None = None
    precision: Integer | None = None
    units_system: str | None = None
    units_display_name: str | None = None
    property: CodePhrase | None = None


class DvCount(DvAmount):
    required: ClassVar[tuple[str, ...]] = ("magnitude",)
    magnitude: Integer | None = None


class DvProportion(DvAmount):
    required: ClassVar[tuple[str, ...]] = ("numerator", "denominator", "type")
    numerator: float | None = None
    denominator: float | None = None
    type: Integer | None = None
    precision: Integer | None = None


class DvDuration(DvAmount):
    required: ClassVar[tuple[str, ...]] = ("value",)
    value: str | None = None


class DvTemporal(DvQuantified):
    """DV_TEMPORAL (abstract), with DV_ABSOLUTE_QUANTITY's accuracy narrowed to a duration."""

    accuracy: DvDuration | None = None


class DvDate(DvTemporal):
    required: ClassVar[tuple[str, ...]] = ("value",)
    value: str | None = None


class DvTime(DvTemporal):
    required: ClassVar[tuple[str, ...]] = ("value",)
    value: str | None = None


class DvDateTime(DvTemporal):
    required: ClassVar[tuple[str, ...]] = ("value",)
    value: str | None = None


Ordered: TypeAlias = (
    DvQuantity
    | DvCount
    | DvOrdinal
    | DvScale
    | DvProportion
    | DvDate
    | DvTime
    | DvDateTime
    | DvDuration
)

# --- encapsulated


class DvEncapsulated(DataValue):
    """DV_ENCAPSULATED (abstract)."""

    charset: CodePhrase | None = None
    language: CodePhrase | None = None


class DvMultimedia(DvEncapsulated):
    """`data` and `integrity_check` are base64 text, as canonical JSON writes them."""

    required: ClassVar[tuple[str, ...]] = ("media_type", "size")
    alternate_text: str | None = None
    uri: Uri | None = None
    data: str | None = None
    media_type: CodePhrase | None = None
    compression_algorithm: CodePhrase | None = None
    integrity_check: str | None = None
    integrity_check_algorithm: CodePhrase | None = None
    thumbnail: "DvMultimedia | None" = None
    size: Integer | None = None


class DvParsable(DvEncapsulated):
    required: ClassVar[tuple[str, ...]] = ("value", "formalism")
    value: str | None = None
    formalism: str | None = None


Encapsulated: TypeAlias = DvMultimedia | DvParsable

# --- time specification


class DvTimeSpecification(DataValue):
    """DV_TIME_SPECIFICATION (abstract)."""

    required: ClassVar[tuple[str, ...]] = ("value",)
    value: DvParsable | None = None


class DvPeriodicTimeSpecification(DvTimeSpecification): ...


class DvGeneralTimeSpecification(DvTimeSpecification): ...


AnyDataValue: TypeAlias = (
    DvBoolean
    | DvIdentifier
    | DvState
    | DvUri
    | DvEhrUri
    | DvText
    | DvCodedText
    | DvParagraph
    | DvInterval
    | DvQuantity
    | DvCount
    | DvOrdinal
    | DvScale
    | DvProportion
    | DvDate
    | DvTime
    | DvDateTime
    | DvDuration
    | DvMultimedia
    | DvParsable
    | DvPeriodicTimeSpecification
    | DvGeneralTimeSpecification
)
