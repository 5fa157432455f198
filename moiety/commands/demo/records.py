"""Synthetic compositions for the demo's four templates, as canonical JSON.

The words of most letters are drawn from lists; one is about a person of the demo, by name.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from moiety.commands.demo.people import Person

_STAFF = ("Dr Priya Nair", "Dr Tom Okafor", "Sister Ann Whitlock", "Dr Lena Brandt")
_WARDS = ("Ward 3 East", "Ward 7", "Acute Medical Unit", "Day Surgery")
_PROBLEMS = (
    ("38341003", "Hypertensive disorder"),
    ("44054006", "Diabetes mellitus type 2"),
    ("195967001", "Asthma"),
    ("13645005", "Chronic obstructive lung disease"),
    ("49436004", "Atrial fibrillation"),
)
_ANALYTES = (
    ("2160-0", "Creatinine", "umol/L", 80.0, 25.0),
    ("2823-3", "Potassium", "mmol/L", 4.2, 0.5),
    ("2951-2", "Sodium", "mmol/L", 139.0, 4.0),
    ("718-7", "Haemoglobin", "g/L", 135.0, 18.0),
    ("6690-2", "Leukocytes", "10*9/L", 7.5, 2.2),
    ("1988-5", "C reactive protein", "mg/L", 12.0, 9.0),
)
_SENTENCES = (
    "The stay was uneventful and recovery steady.",
    "Blood pressure settled after the dose was raised.",
    "Breathing improved with nebulisers and rest.",
    "Renal function returned to its usual level.",
    "Please check potassium in two weeks.",
)
_LOCAL, _OPENEHR, _SNOMED, _LOINC = "local", "openehr", "SNOMED-CT", "LOINC"
Json = dict[str, Any]


def write(count: int, seed: int, until: datetime) -> Iterator[bytes]:
    """`count` documents in the year before `until`: mostly vital signs, some of each other kind."""
    rng = random.Random(seed)  # noqa: S311  a story, not a secret
    kinds = rng.choices(tuple(_WEIGHTS), weights=tuple(_WEIGHTS.values()), k=count)
    for kind in kinds:
        moment = until - timedelta(minutes=rng.randrange(60 * 24 * 365))
        yield msgspec.json.encode(kind(rng, moment.astimezone(UTC)))


def vital_signs(rng: random.Random, moment: datetime) -> Json:
    """Blood pressure (one to three readings), pulse, temperature, saturation and alertness."""
    readings = [moment + timedelta(minutes=5 * n) for n in range(rng.choice((1, 1, 2, 3)))]
    content = [
        _observation("moiety_blood_pressure", "Blood pressure", moment, _pressures(rng, readings)),
        _observation("moiety_pulse", "Pulse", moment, [_event(moment, _pulse(rng))]),
        _observation(
            "moiety_body_temperature", "Temperature", moment, [_event(moment, _heat(rng))]
        ),
        _observation("moiety_oxygen_saturation", "Saturation", moment, [_event(moment, _air(rng))]),
    ]
    if rng.random() < 0.5:
        level = rng.choice(((0, "at0010", "Alert"), (1, "at0011", "Answers to voice")))
        ordinal = _element("at0004", "Level", _ordinal(*level))
        content.append(
            _observation("moiety_alertness", "Alertness", moment, [_event(moment, [ordinal])])
        )
    about = [
        _element("at0002", "Ward", _text(rng.choice(_WARDS))),
        _element(
            "at0003", "Early warning score", {"_type": "DV_COUNT", "magnitude": rng.randrange(8)}
        ),
    ]
    archetype = "openEHR-EHR-COMPOSITION.moiety_vital_signs.v1"
    return _composition(
        rng, moment, "moiety_vital_signs.v1", archetype, "Vital signs", content, about=about
    )


def laboratory_result(rng: random.Random, moment: datetime) -> Json:
    """A panel of two to six analytes."""
    analytes = [
        _cluster("openEHR-EHR-CLUSTER.moiety_analyte.v1", name, [
            _element("at0001", "Name", _coded(name, code, _LOINC)),
            _element("at0002", "Result", _quantity(_skewed(rng, mean, spread), unit)),
            _element("at0003", "Status", _coded("Final", "at0011", _LOCAL)),
            _element("at0005", "Measured at", _date_time(moment)),
        ])
        for code, name, unit, mean, spread in rng.sample(_ANALYTES, rng.randrange(2, 7))
    ]  # fmt: skip
    items = [
        _element("at0004", "Test", _coded("Blood panel", "24323-8", _LOINC)),
        _element("at0005", "Specimen", _coded("Blood", "at0010", _LOCAL)),
        *analytes,
        _element("at0006", "Conclusion", _text("No action needed before the next visit.")),
    ]
    event = _event(moment, items, kind="POINT_EVENT")
    content = [_observation("moiety_laboratory_result", "Laboratory result", moment, [event])]
    archetype = "openEHR-EHR-COMPOSITION.moiety_laboratory_report.v1"
    about = [_element("at0003", "State", _coded("Final", "at0005", _LOCAL))]
    return _composition(
        rng, moment, "moiety_laboratory_result.v1", archetype, "Laboratory report", content,
        about=about,
    )  # fmt: skip


def problem_diagnosis(rng: random.Random, moment: datetime) -> Json:
    """One or two conditions on the problem list."""
    content = [
        _entry("EVALUATION", "moiety_problem_diagnosis", "Problem or diagnosis", data=_tree([
            _element("at0002", "Condition", _coded(name, code, _SNOMED)),
            _element("at0004", "Onset", _date(str(rng.randrange(2008, 2026)))),
            _element("at0006", "Severity", _ordinal(2, "at0021", "Moderate")),
        ]))
        for code, name in rng.sample(_PROBLEMS, rng.choice((1, 1, 2)))
    ]  # fmt: skip
    archetype = "openEHR-EHR-COMPOSITION.moiety_problem_list.v1"
    return _composition(
        rng, moment, "moiety_problem_diagnosis.v1", archetype, "Problem list", content,
        category=("persistent", "431"),
    )  # fmt: skip


def discharge_letter(rng: random.Random, moment: datetime) -> Json:
    """Facts of the stay, its course and the plan."""
    nights = rng.randrange(1, 12)
    stay = _entry("ADMIN_ENTRY", "moiety_stay", "Stay", data=_tree([
        _element("at0002", "Admitted", _date_time(moment - timedelta(days=nights))),
        _element("at0003", "Discharged", _date_time(moment)),
        _element("at0004", "Going to", _coded("Home", "at0010", _LOCAL)),
        _element("at0005", "Nights", _count(nights)),
    ]))  # fmt: skip
    paragraphs = [
        _element("at0002", "Paragraph", _text(sentence)) for sentence in rng.sample(_SENTENCES, 3)
    ]
    plan = _section(
        "Plan", [_entry("EVALUATION", "moiety_summary", "Summary", data=_tree(paragraphs))]
    )
    course = _section("Course in hospital", [])
    archetype = "openEHR-EHR-COMPOSITION.moiety_discharge_letter.v1"
    return _composition(
        rng, moment, "moiety_discharge_letter.v1", archetype, "Discharge letter",
        [stay, course, plan], about=[_element("at0002", "To", _text("The general practitioner"))],
    )  # fmt: skip


def letter_about(person: Person, rng: random.Random, moment: datetime) -> bytes:
    """A discharge letter that says whose it is in many ways."""
    words = (
        f"Dear colleague, thank you for seeing {person.given} {person.family}, born"
        f" {person.birth_date:%d %B %Y}, of {person.street}, {person.town} {person.postcode}"
        f" (telephone {person.telephone}, {person.email}; our number {person.local_number})."
        f" {person.given} was well on leaving; {person.family.upper()} takes warfarin 3 mg daily."
    )
    document = discharge_letter(rng, moment)
    summary = document["content"][-1]["items"][0]["data"]["items"][0]
    summary["value"] = _text(words)
    return msgspec.json.encode(document)


_WEIGHTS: Mapping[Callable[[random.Random, datetime], Json], int] = {
    vital_signs: 60,
    laboratory_result: 22,
    problem_diagnosis: 12,
    discharge_letter: 6,
}


# --- parts of a composition ------------------------------------------------------------------


def _composition(
    rng: random.Random, moment: datetime, template: str, archetype: str, name: str,
    content: list[Json], *, about: list[Json] | None = None,
    category: tuple[str, str] = ("event", "433"),
) -> Json:  # fmt: skip
    made: Json = {
        "_type": "COMPOSITION",
        **_locatable(name, archetype),
        "archetype_details": {
            "_type": "ARCHETYPED",
            "archetype_id": {"_type": "ARCHETYPE_ID", "value": archetype},
            "template_id": {"_type": "TEMPLATE_ID", "value": template},
            "rm_version": "1.1.0",
        },
        "language": _code("en", "ISO_639-1"),
        "territory": _code("GB", "ISO_3166-1"),
        "category": _coded(category[0], category[1], _OPENEHR),
        "composer": {"_type": "PARTY_IDENTIFIED", "name": rng.choice(_STAFF)},
        "content": content,
    }
    if category[0] == "event":
        made["context"] = {
            "_type": "EVENT_CONTEXT",
            "start_time": _date_time(moment),
            "setting": _coded("secondary medical care", "232", _OPENEHR),
        }
        if about:
            made["context"]["other_context"] = _tree(about)
    return made


def _observation(concept: str, name: str, moment: datetime, events: list[Json]) -> Json:
    history = {
        "_type": "HISTORY",
        **_locatable("History", "at0001"),
        "origin": _date_time(moment),
        "events": events,
    }
    return _entry("OBSERVATION", concept, name, data=history)


def _entry(rm_type: str, concept: str, name: str, *, data: Json) -> Json:
    archetype = f"openEHR-EHR-{rm_type}.{concept}.v1"
    return {
        "_type": rm_type,
        **_locatable(name, archetype),
        "archetype_details": {
            "_type": "ARCHETYPED",
            "archetype_id": {"_type": "ARCHETYPE_ID", "value": archetype},
            "rm_version": "1.1.0",
        },
        "language": _code("en", "ISO_639-1"),
        "encoding": _code("UTF-8", "IANA_character-sets"),
        "subject": {"_type": "PARTY_SELF"},
        "data": data,
    }


def _section(name: str, items: list[Json]) -> Json:
    archetype = "openEHR-EHR-SECTION.moiety_letter_part.v1"
    section = {"_type": "SECTION", **_locatable(name, archetype)}
    return section | ({"items": items} if items else {})


def _event(moment: datetime, items: list[Json], kind: str = "POINT_EVENT") -> Json:
    return {
        "_type": kind,
        **_locatable("Any event", "at0002"),
        "time": _date_time(moment),
        "data": _tree(items, "at0003"),
    }


def _pressures(rng: random.Random, moments: list[datetime]) -> list[Json]:
    return [
        _event(moment, [
            _element("at0004", "Systolic", _quantity(round(rng.gauss(128, 16)), "mm[Hg]")),
            _element("at0005", "Diastolic", _quantity(round(rng.gauss(78, 10)), "mm[Hg]")),
        ])
        for moment in moments
    ]  # fmt: skip


def _pulse(rng: random.Random) -> list[Json]:
    return [
        _element("at0004", "Rate", _quantity(round(rng.gauss(74, 11)), "/min")),
        _element("at0005", "Regular", {"_type": "DV_BOOLEAN", "value": rng.random() < 0.93}),
    ]


def _heat(rng: random.Random) -> list[Json]:
    return [_element("at0004", "Temperature", _quantity(round(rng.gauss(36.8, 0.5), 1), "Cel"))]


def _air(rng: random.Random) -> list[Json]:
    percent = min(100.0, float(round(rng.gauss(97, 2))))
    proportion = {"_type": "DV_PROPORTION", "numerator": percent, "denominator": 100.0, "type": 2}
    return [_element("at0004", "Saturation", proportion)]


def _tree(items: list[Json], node_id: str = "at0001") -> Json:
    return {"_type": "ITEM_TREE", **_locatable("Tree", node_id), "items": items}


def _cluster(archetype: str, name: str, items: list[Json]) -> Json:
    details = {"_type": "ARCHETYPED", "archetype_id": {"_type": "ARCHETYPE_ID", "value": archetype}}
    details["rm_version"] = "1.1.0"
    return {
        "_type": "CLUSTER", **_locatable(name, archetype), "archetype_details": details,
        "items": items,
    }  # fmt: skip


def _element(node_id: str, name: str, value: Json) -> Json:
    return {"_type": "ELEMENT", **_locatable(name, node_id), "value": value}


def _locatable(name: str, node_id: str) -> Json:
    return {"name": _text(name), "archetype_node_id": node_id}


def _text(value: str) -> Json:
    return {"_type": "DV_TEXT", "value": value}


def _code(code: str, terminology: str) -> Json:
    terminology_id = {"_type": "TERMINOLOGY_ID", "value": terminology}
    return {"_type": "CODE_PHRASE", "terminology_id": terminology_id, "code_string": code}


def _coded(value: str, code: str, terminology: str) -> Json:
    return {"_type": "DV_CODED_TEXT", "value": value, "defining_code": _code(code, terminology)}


def _ordinal(value: int, code: str, label: str) -> Json:
    return {"_type": "DV_ORDINAL", "value": value, "symbol": _coded(label, code, _LOCAL)}


def _count(magnitude: int) -> Json:
    return {"_type": "DV_COUNT", "magnitude": magnitude}


def _skewed(rng: random.Random, mean: float, spread: float) -> float:
    """A value around `mean`, never negative, with a longer tail above."""
    return round(rng.gauss(mean, spread) ** 2 / mean, 1)


def _quantity(magnitude: float, units: str) -> Json:
    return {"_type": "DV_QUANTITY", "magnitude": float(magnitude), "units": units}


def _date(value: str) -> Json:
    return {"_type": "DV_DATE", "value": value}


def _date_time(moment: datetime) -> Json:
    return {"_type": "DV_DATE_TIME", "value": moment.isoformat(timespec="seconds")}
