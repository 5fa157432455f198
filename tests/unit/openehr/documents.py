"""Compositions for the demo's templates, as plain JSON trees that tests may change."""

from __future__ import annotations

import json
from pathlib import Path

from moiety.openehr.opt import parse_opt

TEMPLATES = Path(__file__).parents[3] / "moiety/commands/demo/templates"
TIME = "2024-05-17T08:30:00+01:00"


def template(name):
    """One of the demo's templates."""
    return parse_opt((TEMPLATES / f"{name}.opt").read_bytes())


def body(tree):
    return json.dumps(tree, ensure_ascii=False).encode()


def text(value):
    return {"_type": "DV_TEXT", "value": value}


def phrase(terminology, code):
    return {
        "_type": "CODE_PHRASE",
        "terminology_id": {"_type": "TERMINOLOGY_ID", "value": terminology},
        "code_string": code,
    }


def coded(value, code, terminology="local"):
    return {"_type": "DV_CODED_TEXT", "value": value, "defining_code": phrase(terminology, code)}


def quantity(magnitude, units, **more):
    return {"_type": "DV_QUANTITY", "magnitude": magnitude, "units": units, **more}


def simple(rm_type, value):
    return {"_type": rm_type, "value": value}


def locatable(rm_type, name, node_id, **attributes):
    return {"_type": rm_type, "name": text(name), "archetype_node_id": node_id, **attributes}


def element(node_id, name, value):
    return locatable("ELEMENT", name, node_id, value=value)


def archetyped(rm_type, name, archetype_id, **attributes):
    details = {
        "_type": "ARCHETYPED",
        "archetype_id": {"_type": "ARCHETYPE_ID", "value": archetype_id},
        "rm_version": "1.1.0",
    }
    return locatable(rm_type, name, archetype_id, archetype_details=details, **attributes)


def entry(rm_type, name, archetype_id, **attributes):
    return archetyped(
        rm_type,
        name,
        archetype_id,
        language=phrase("ISO_639-1", "en"),
        encoding=phrase("IANA_character-sets", "UTF-8"),
        subject={"_type": "PARTY_SELF"},
        **attributes,
    )


def tree(node_id, *items):
    return locatable("ITEM_TREE", "Tree", node_id, items=list(items))


def point(*items, state=None, time=TIME):
    event = locatable(
        "POINT_EVENT",
        "Any event",
        "at0002",
        time=simple("DV_DATE_TIME", time),
        data=tree("at0003", *items),
    )
    if state:
        event["state"] = tree("at0020", *state)
    return event


def observation(name, concept, *events, protocol=()):
    history = locatable(
        "HISTORY", "History", "at0001", origin=simple("DV_DATE_TIME", TIME), events=list(events)
    )
    made = entry("OBSERVATION", name, f"openEHR-EHR-OBSERVATION.{concept}.v1", data=history)
    if protocol:
        made["protocol"] = tree("at0030", *protocol)
    return made


def composition(template_id, concept, *content, category=("event", "433"), context=()):
    made = archetyped(
        "COMPOSITION",
        concept,
        f"openEHR-EHR-COMPOSITION.{concept}.v1",
        language=phrase("ISO_639-1", "en"),
        territory=phrase("ISO_3166-1", "GB"),
        category=coded(category[0], category[1], "openehr"),
        composer={"_type": "PARTY_IDENTIFIED", "name": "Dr A. Example"},
        content=list(content),
    )
    made["archetype_details"]["template_id"] = {"_type": "TEMPLATE_ID", "value": template_id}
    if category[1] == "433":
        made["context"] = {
            "_type": "EVENT_CONTEXT",
            "start_time": simple("DV_DATE_TIME", TIME),
            "setting": coded("secondary medical care", "232", "openehr"),
        }
        if context:
            made["context"]["other_context"] = tree("at0001", *context)
    return made


def pressure(systolic, diastolic):
    return point(
        element("at0004", "Systolic", quantity(systolic, "mm[Hg]", precision=0)),
        element("at0005", "Diastolic", quantity(diastolic, "mm[Hg]")),
        state=(element("at0021", "Position", coded("Sitting", "at0023")),),
    )


def vital_signs():
    """Two pressures, a pulse, a temperature, a saturation, an alertness: 6 kB."""
    return composition(
        "moiety_vital_signs.v1",
        "moiety_vital_signs",
        observation(
            "Blood pressure",
            "moiety_blood_pressure",
            pressure(121, 79),
            pressure(118, 80),
            protocol=(element("at0031", "Cuff", text("Child")),),
        ),
        observation(
            "Pulse",
            "moiety_pulse",
            point(
                element("at0004", "Rate", quantity(72, "/min")),
                element("at0005", "Regular", simple("DV_BOOLEAN", value=True)),
            ),
        ),
        observation(
            "Body temperature",
            "moiety_body_temperature",
            point(element("at0004", "Temperature", quantity(37.2, "Cel", precision=1))),
            protocol=(element("at0031", "Site", coded("Ear", "at0033")),),
        ),
        observation(
            "Oxygen saturation",
            "moiety_oxygen_saturation",
            point(
                element(
                    "at0004",
                    "Saturation",
                    {"_type": "DV_PROPORTION", "numerator": 97, "denominator": 100, "type": 2},
                )
            ),
        ),
        observation(
            "Alertness",
            "moiety_alertness",
            point(
                element(
                    "at0004",
                    "Level",
                    {"_type": "DV_ORDINAL", "value": 0, "symbol": coded("Alert", "at0010")},
                )
            ),
        ),
        context=(
            element("at0002", "Ward", text("Ward 7")),
            element("at0003", "Early warning score", {"_type": "DV_COUNT", "magnitude": 1}),
        ),
    )


def analyte(number):
    return archetyped(
        "CLUSTER",
        "Analyte",
        "openEHR-EHR-CLUSTER.moiety_analyte.v1",
        items=[
            element("at0001", "Name", coded(f"Analyte {number}", f"{1000 + number}-1", "LOINC")),
            element("at0002", "Result", quantity(4.5 + number, "mmol/l", precision=1)),
            element("at0003", "Status", coded("Final", "at0011")),
            element("at0005", "Measured at", simple("DV_DATE_TIME", TIME)),
        ],
    )


def laboratory_result(analytes=3):
    """A report of so many analytes: 16 kB at 12."""
    return composition(
        "moiety_laboratory_result.v1",
        "moiety_laboratory_report",
        observation(
            "Laboratory result",
            "moiety_laboratory_result",
            point(
                element("at0004", "Test", text("Blood chemistry")),
                element("at0005", "Specimen", coded("Serum", "at0011")),
                *(analyte(number) for number in range(analytes)),
                element("at0006", "Conclusion", text("Nothing out of the ordinary.")),
            ),
            protocol=(
                element("at0031", "Order number", {"_type": "DV_IDENTIFIER", "id": "A-17"}),
                element("at0032", "Received", simple("DV_DATE_TIME", "2024-05-17T09")),
            ),
        ),
        context=(element("at0003", "State", coded("Complete", "at0005")),),
    )


def problem_diagnosis():
    """A persistent problem list with partial dates and a repeating cluster."""
    sites = (
        locatable(
            "CLUSTER",
            "Body site",
            "at0009",
            items=[
                element("at0010", "Site", text(site)),
                element("at0011", "Side", coded("Left", "at0012")),
            ],
        )
        for site in ("Knee", "Hip")
    )
    return composition(
        "moiety_problem_diagnosis.v1",
        "moiety_problem_list",
        entry(
            "EVALUATION",
            "Problem or diagnosis",
            "openEHR-EHR-EVALUATION.moiety_problem_diagnosis.v1",
            data=tree(
                "at0001",
                element("at0002", "Condition", coded("Arthrosis", "396275006", "SNOMED-CT")),
                element("at0004", "Onset", simple("DV_DATE", "2019-04")),
                element("at0005", "Age at onset", simple("DV_DURATION", "P54Y")),
                element("at0007", "Course", coded("Active", "at0030")),
                *sites,
            ),
        ),
        category=("persistent", "431"),
    )


def part(name, *items):
    return archetyped(
        "SECTION", name, "openEHR-EHR-SECTION.moiety_letter_part.v1", items=list(items)
    )


def summary(*paragraphs):
    items = [element("at0002", "Paragraph", text(paragraph)) for paragraph in paragraphs]
    return entry(
        "EVALUATION",
        "Summary",
        "openEHR-EHR-EVALUATION.moiety_summary.v1",
        data=tree("at0001", *items),
    )


def discharge_letter():
    """A stay, two sections of one archetype told apart by name, an action and an order."""
    stay = entry(
        "ADMIN_ENTRY",
        "Stay",
        "openEHR-EHR-ADMIN_ENTRY.moiety_stay.v1",
        data=tree(
            "at0001",
            element("at0002", "Admitted", simple("DV_DATE_TIME", "2024-05-12T14:00:00Z")),
            element("at0005", "Nights", {"_type": "DV_COUNT", "magnitude": 5}),
        ),
    )
    procedure = entry(
        "ACTION",
        "Procedure",
        "openEHR-EHR-ACTION.moiety_procedure.v1",
        time=simple("DV_DATE_TIME", "2024-05-13T10:00:00Z"),
        ism_transition={
            "_type": "ISM_TRANSITION",
            "current_state": coded("completed", "532", "openehr"),
            "careflow_step": coded("Done", "at0011"),
        },
        description=tree("at0001", element("at0002", "Procedure", text("Replacement of a knee"))),
    )
    order = entry(
        "INSTRUCTION",
        "Medication order",
        "openEHR-EHR-INSTRUCTION.moiety_medication_order.v1",
        narrative=text("Paracetamol when in pain"),
        activities=[
            locatable(
                "ACTIVITY",
                "Order",
                "at0001",
                action_archetype_id="openEHR-EHR-ACTION.moiety_medication.v1",
                description=tree(
                    "at0002",
                    element("at0003", "Medicine", text("Paracetamol")),
                    element("at0004", "Dose", quantity(500, "mg")),
                    element("at0006", "Time", simple("DV_TIME", "08:00")),
                    element("at0006", "Time", simple("DV_TIME", "20:00")),
                ),
            )
        ],
    )
    return composition(
        "moiety_discharge_letter.v1",
        "moiety_discharge_letter",
        stay,
        part("Course in hospital", summary("All went well.", "No fever."), procedure),
        part("Plan", summary("Walk every day."), order),
    )


DOCUMENTS = {
    "vital_signs": vital_signs,
    "laboratory_result": laboratory_result,
    "problem_diagnosis": problem_diagnosis,
    "discharge_letter": discharge_letter,
}
"""Name of the demo's template → a valid document of it."""
