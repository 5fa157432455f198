"""Values that a template allows, made up: the first that each constraint admits
(AOM 1.4, "Primitive package" and the openEHR profile).
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from moiety.openehr import rm
from moiety.openehr.constraints import (
    BooleanConstraint,
    CodePhraseConstraint,
    DurationConstraint,
    Interval,
    NumberConstraint,
    OrdinalConstraint,
    QuantityConstraint,
    QuantityItem,
    StateConstraint,
    StringConstraint,
    TemporalConstraint,
)
from moiety.openehr.rm_types import parameter, plain
from moiety.openehr.simplified.inputs import term_of
from moiety.openehr.simplified.values import Hint
from moiety.openehr.times import date_seconds, date_time_seconds, duration_seconds, time_seconds

TEXT = "Lorem ipsum"
MOMENT = "2022-02-03T04:05:06Z"

_TEXTS = (TEXT, "a", "A", "1", "0", "12", "123", "2022-02-03", "aa", "ab", "abc", "A1", "a@b.c")
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5E"
    "rkJggg=="
)


def example_value(rm_type: str, hint: Hint) -> rm.Any:
    """A data value of a type that its template node (in `hint`) admits, as far as is known."""
    make = _MAKERS.get(plain(rm_type), _text)
    return make(rm_type, hint)


def _of(hint: Hint, kind: type[Any]) -> Any:
    """The first constraint of a kind at or below the value's node."""
    return next((found for found in hint.constraints() if isinstance(found, kind)), None)


def string(hint: Hint) -> str:
    """A text that a C_STRING admits, among a few."""
    found = _of(hint, StringConstraint)
    if found is None:
        return TEXT
    if found.values:
        first: str = found.values[0]
        return first
    if found.pattern is not None:
        return next((text for text in _TEXTS if found.pattern.fullmatch(text)), TEXT)
    return TEXT


def _text(_: str, hint: Hint) -> rm.DvText:
    return rm.DvText(value=string(hint.below("value")))


def coded_text(_: str, hint: Hint) -> rm.DvCodedText:
    """The first code that is listed; one of the terminology where none is."""
    found = _of(hint, CodePhraseConstraint)
    terminology = (found.terminology if found else None) or hint.terminology or "local"
    code = found.codes[0] if found and found.codes else "at0000"
    archetype_id = hint.node.archetype_id if hint.node is not None else ""
    term = term_of(hint.template, archetype_id, terminology, code)
    label = string(hint.below("value")) if _of(hint.below("value"), StringConstraint) else None
    phrase = rm.CodePhrase(rm.TerminologyId(terminology), code)
    return rm.DvCodedText(
        value=label or (term.text if term else None) or TEXT, defining_code=phrase
    )


def number(bounds: Interval | None, default: float = 1) -> float:
    """A number of an interval: the default, a bound, or a place between the bounds."""
    if bounds is None:
        return default
    lower, upper = bounds.lower, bounds.upper
    choices = [default, lower, upper]
    choices += [lower + 1] if lower is not None else []
    choices += [upper - 1] if upper is not None else []
    choices += [(lower + upper) / 2] if lower is not None and upper is not None else []
    return next((each for each in choices if each is not None and bounds.holds(each)), default)


def _numeric(hint: Hint, default: float = 1) -> float:
    found = _of(hint, NumberConstraint)
    if found is None:
        return default
    return next(iter(sorted(found.values)), None) or number(found.range, default)


def _quantity(_: str, hint: Hint) -> rm.DvQuantity:
    found = _of(hint, QuantityConstraint)
    item: QuantityItem | None = found.items[0] if found and found.items else None
    if item is None:
        return rm.DvQuantity(magnitude=42.0, units="1")
    digits = int(number(item.precision, 0)) if item.precision is not None else None
    return rm.DvQuantity(
        magnitude=float(number(item.magnitude, 42)), units=item.units, precision=digits
    )


def _count(_: str, hint: Hint) -> rm.DvCount:
    return rm.DvCount(magnitude=int(_numeric(hint, 42)))


def _proportion(_: str, hint: Hint) -> rm.DvProportion:
    """A percentage where the template does not choose another kind."""
    kind = int(_numeric(hint.below("type"), 2))
    denominator = {1: 1.0, 2: 100.0}.get(kind) or float(_numeric(hint.below("denominator"), 2))
    return rm.DvProportion(
        numerator=float(_numeric(hint.below("numerator"), 1)),
        denominator=denominator,
        type=kind,
    )


def _ordinal(rm_type: str, hint: Hint) -> rm.DvOrdinal | rm.DvScale:
    found = _of(hint, OrdinalConstraint)
    item = found.items[0] if found and found.items else None
    value, terminology, code = (
        (item.value, item.terminology, item.code) if item else (1.0, "local", "at0000")
    )
    archetype_id = hint.node.archetype_id if hint.node is not None else ""
    term = term_of(hint.template, archetype_id, terminology, code)
    label = (item.label if item else None) or (term.text if term else None) or TEXT
    symbol = rm.DvCodedText(
        value=label, defining_code=rm.CodePhrase(rm.TerminologyId(terminology), code)
    )
    if plain(rm_type) == "DV_SCALE":
        return rm.DvScale(value=value, symbol=symbol)
    return rm.DvOrdinal(value=int(value), symbol=symbol)


def _boolean(_: str, hint: Hint) -> rm.DvBoolean:
    found = _of(hint, BooleanConstraint)
    return rm.DvBoolean(value=found is None or found.true_valid)


def _state(_: str, hint: Hint) -> rm.DvState:
    found = _of(hint, StateConstraint)
    name = min(found.states) if found and found.states else TEXT
    phrase = rm.CodePhrase(rm.TerminologyId("local"), "at0000")
    return rm.DvState(value=rm.DvCodedText(value=name, defining_code=phrase), is_terminal=False)


# --- times: the first of some texts that fits pattern and range

_TIMES: dict[str, tuple[type[rm.Any], tuple[str, ...], Callable[[str], float]]] = {
    "DV_DATE": (rm.DvDate, ("2022-02-03", "2022-02", "2022", "1970-01-01"), date_seconds),
    "DV_TIME": (rm.DvTime, ("04:05:06", "04:05", "12:00:00", "12:00:00Z"), time_seconds),
    "DV_DATE_TIME": (
        rm.DvDateTime,
        (MOMENT, "2022-02-03T04:05:06", "2022-02-03T04:05", "2022-02-03"),
        date_time_seconds,
    ),
}


def _temporal(rm_type: str, hint: Hint) -> rm.Any:
    rm_class, texts, seconds = _TIMES[plain(rm_type)]
    found = _of(hint, TemporalConstraint)
    bounds = found.range if found is not None else None
    zone = found.zone if found is not None else None
    fitting = (
        text
        for text in texts
        if (bounds is None or bounds.holds(seconds(text)))
        and (zone is None or zone == text.endswith("Z"))
    )
    return rm_class(value=next(fitting, texts[0]))


_DURATIONS = ("PT1H", "P1D", "P1W", "P1M", "P1Y", "PT1M", "PT1S", "PT0S", "P0D", "P10D", "P100D")


def _duration(_: str, hint: Hint) -> rm.DvDuration:
    found = _of(hint, DurationConstraint)
    if found is None:
        return rm.DvDuration(value="PT1H")
    days, _mark, clock = (found.pattern or "PYMDWTHMS").removeprefix("P").partition("T")
    for text in _DURATIONS:
        of_clock = text.startswith("PT")
        fits = text[-1] in (clock if of_clock else days)
        if fits and (found.range is None or found.range.holds(duration_seconds(text))):
            return rm.DvDuration(value=text)
    return rm.DvDuration(value="PT0S" if clock else "P0D")


# --- others


def _interval(rm_type: str, hint: Hint) -> rm.DvInterval:
    """Both bounds alike, or each what its own constraint admits."""
    bounds: dict[str, Any] = {}
    for side in ("lower", "upper"):
        below = hint.below(side)
        inner = below.node.rm_type if below.node is not None else parameter(rm_type)
        bounds[side] = example_value(inner or "DV_QUANTITY", below)
    return rm.DvInterval(
        **bounds,
        lower_included=True,
        upper_included=True,
        lower_unbounded=False,
        upper_unbounded=False,
    )


def _multimedia(_: str, hint: Hint) -> rm.DvMultimedia:
    found = _of(hint.below("media_type"), CodePhraseConstraint)
    kind = found.codes[0] if found and found.codes else "image/png"
    media = rm.CodePhrase(rm.TerminologyId("IANA_media-types"), kind)
    return rm.DvMultimedia(data=_PIXEL, media_type=media, size=70)


def _parsable(_: str, hint: Hint) -> rm.DvParsable:
    formal = hint.below("formalism")
    found = string(formal) if formal.node is not None else "text/plain"
    return rm.DvParsable(value=string(hint.below("value")), formalism=found)


def _identifier(_: str, hint: Hint) -> rm.DvIdentifier:
    told = {name: string(hint.below(name)) for name in ("issuer", "assigner", "type")}
    return rm.DvIdentifier(id=string(hint.below("id")), **told)


_Maker: TypeAlias = Callable[[str, Hint], rm.Any]
_MAKERS: dict[str, _Maker] = {
    "DV_CODED_TEXT": coded_text,
    "DV_QUANTITY": _quantity,
    "DV_COUNT": _count,
    "DV_PROPORTION": _proportion,
    "DV_ORDINAL": _ordinal,
    "DV_SCALE": _ordinal,
    "DV_BOOLEAN": _boolean,
    "DV_STATE": _state,
    "DV_DATE": _temporal,
    "DV_TIME": _temporal,
    "DV_DATE_TIME": _temporal,
    "DV_DURATION": _duration,
    "DV_INTERVAL": _interval,
    "DV_MULTIMEDIA": _multimedia,
    "DV_PARSABLE": _parsable,
    "DV_IDENTIFIER": _identifier,
    "DV_URI": lambda _, __: rm.DvUri(value="https://example.org/"),
    "DV_EHR_URI": lambda _, __: rm.DvEhrUri(value="ehr:/example"),
    "DV_PARAGRAPH": lambda _, __: rm.DvParagraph(items=[rm.DvText(value=TEXT)]),
    "DV_PERIODIC_TIME_SPECIFICATION": lambda _, __: rm.DvPeriodicTimeSpecification(
        value=rm.DvParsable(value="[200004181100;200004181110]/(7d)", formalism="HL7:PIVL")
    ),
    "DV_GENERAL_TIME_SPECIFICATION": lambda _, __: rm.DvGeneralTimeSpecification(
        value=rm.DvParsable(value="201405", formalism="HL7:GTS")
    ),
}
