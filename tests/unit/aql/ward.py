"""Two templates that share archetypes but not shapes, and documents that use every corner.

In "ward round" an event may hold many counts, so each has a row; in "night round" it holds one, so
the same count is a column, and every entry has an event. Elements offer choices of data types; a
protocol has an open slot, whose content has no rows at all.
"""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.opt import parse_opt
from moiety.openehr.validate import compile_template
from tests.unit.openehr.opt_builder import (
    leaf,
    many,
    named,
    node,
    one,
    plain,
    root,
    slot,
    template,
)

WARD, NIGHT = 71, 72
COMPOSITION = "openEHR-EHR-COMPOSITION.round.v1"
PRESSURE = "openEHR-EHR-OBSERVATION.pressure.v1"
PROBLEM = "openEHR-EHR-EVALUATION.problem.v1"
DEVICE = "openEHR-EHR-CLUSTER.device.v1"
PART = "openEHR-EHR-SECTION.part.v1"
TERMS = {f"at00{n:02}": f"term {n}" for n in range(1, 30)}
MANY = (0, None)


def _pressure(*, counts):
    tree = node(
        "ITEM_TREE",
        "at0003",
        many(
            "items",
            leaf("at0004", plain("DV_QUANTITY")),
            leaf("at0005", plain("DV_QUANTITY"), plain("DV_COUNT")),
            leaf("at0008", plain("DV_TEXT")),
            leaf("at0009", plain("DV_DATE_TIME")),
            leaf("at0010", plain("DV_COUNT"), occurs=(0, counts)),
        ),
    )
    least = 0 if counts is None else 1
    event = node("EVENT", "at0006", one("data", tree), occurs=(least, None))
    protocol = node(
        "ITEM_TREE",
        "at0011",
        many(
            "items",
            root(
                "CLUSTER",
                DEVICE,
                many("items", leaf("at0001", plain("DV_TEXT")), leaf("at0004", plain("DV_TEXT"))),
                occurs=MANY,
                terms=TERMS,
            ),
            slot("CLUSTER", "at0012", r"openEHR-EHR-CLUSTER\.extra\.v1"),
        ),
    )
    return root(
        "OBSERVATION",
        PRESSURE,
        one("data", node("HISTORY", "at0001", many("events", event))),
        one("protocol", protocol, existence=(0, 1)),
        occurs=MANY,
        terms=TERMS,
    )


def _problem():
    tree = node(
        "ITEM_TREE",
        "at0001",
        many(
            "items",
            leaf("at0002", plain("DV_CODED_TEXT"), plain("DV_TEXT")),
            leaf("at0003", plain("DV_DATE")),
            leaf("at0004", plain("DV_BOOLEAN"), plain("DV_QUANTITY"), plain("DV_TEXT")),
            leaf("at0005", plain("DV_DURATION")),
            leaf("at0006", plain("DV_PROPORTION")),
            leaf("at0007", plain("DV_DATE"), plain("DV_TEXT")),
        ),
    )
    return root("EVALUATION", PROBLEM, one("data", tree), occurs=MANY, terms=TERMS)


def _part(*items):
    return root("SECTION", PART, many("items", *items), occurs=MANY, terms=TERMS)


def _renamed(name):
    return root("SECTION", PART, named(name), many("items", _problem()), occurs=(0, 1), terms=TERMS)


def opts():
    """The XML of both templates."""
    context = one(
        "context",
        node(
            "EVENT_CONTEXT",
            "",
            one(
                "other_context",
                node("ITEM_TREE", "at0001", many("items", leaf("at0002", plain("DV_TEXT")))),
                existence=(0, 1),
            ),
        ),
        existence=(0, 1),
    )
    ward = many("content", _pressure(counts=None), _part(_pressure(counts=None), _problem()))
    night = many("content", _pressure(counts=1), _problem(), _renamed("first"), _renamed("second"))
    yield template("ward round", COMPOSITION, context, ward, terms=TERMS)
    yield template("night round", COMPOSITION, night, terms=TERMS)


def templates():
    """Both templates by key."""
    return dict(zip((WARD, NIGHT), map(parse_opt, opts()), strict=True))


# --- documents -------------------------------------------------------------------------------

WORDS = ("arm", "leg", "Ärmel", "arm 2", "", "10", "2021-05-01", "a%b_c*d?", "zz")
UNITS = ("mm[Hg]", "kPa")


def _text(value):
    return {"_type": "DV_TEXT", "value": value}


def _located(rm_type, node_id, name, **more):
    found = {"_type": rm_type, "name": _text(name), "archetype_node_id": node_id, **more}
    if "-" in node_id:
        found["archetype_details"] = {
            "_type": "ARCHETYPED",
            "archetype_id": {"_type": "ARCHETYPE_ID", "value": node_id},
            "rm_version": "1.1.0",
        }
    return found


def _element(node_id, value):
    return _located("ELEMENT", node_id, f"term {int(node_id[2:])}", value=value)


def _moment(random):
    minute = datetime(2021, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(9_000) * 97)
    return random.choice(
        (
            f"{minute:%Y-%m-%dT%H:%M:%S}Z",
            f"{minute:%Y-%m-%dT%H:%M:%S}+02:00",
            f"{minute:%Y-%m-%dT%H:%M:%S}",
            f"{minute:%Y-%m-%dT%H:%M}",
            f"{minute:%Y-%m-%d}",
        )
    )


def _value(random, kind):
    made = {
        "DV_TEXT": lambda: {"value": random.choice(WORDS)},
        "DV_CODED_TEXT": lambda: {"value": random.choice(WORDS), "defining_code": _code(random)},
        "DV_QUANTITY": lambda: {
            "magnitude": random.randrange(600, 2000) / 8,
            "units": random.choice(UNITS),
        },
        "DV_COUNT": lambda: {"magnitude": random.randrange(12)},
        "DV_BOOLEAN": lambda: {"value": random.random() < 0.5},
        "DV_DATE": lambda: {"value": random.choice((_moment(random)[:10], "2021", "2021-02"))},
        "DV_DATE_TIME": lambda: {"value": _moment(random)},
        "DV_DURATION": lambda: {"value": random.choice(("P1D", "PT36H", "P30M", "P40D", "PT5M"))},
        "DV_PROPORTION": lambda: {"numerator": random.randrange(9), "denominator": 8, "type": 0},
    }
    return {"_type": kind, **made[kind]()}


def _code(random):
    terminology = {"_type": "TERMINOLOGY_ID", "value": "local"}
    code = random.choice(("at0020", "at0021", "at0022"))
    return {"_type": "CODE_PHRASE", "terminology_id": terminology, "code_string": code}


def _elements(random, kinds):
    found = []
    for node_id, choices in kinds:
        if random.random() < 0.75:
            found.append(_element(node_id, _value(random, random.choice(choices))))
    return found


def _entry(rm_type, node_id, **more):
    return _located(
        rm_type,
        node_id,
        "entry",
        language=_phrase("ISO_639-1", "en"),
        encoding=_phrase("IANA_character-sets", "UTF-8"),
        subject={"_type": "PARTY_SELF"},
        **more,
    )


def _phrase(terminology, code):
    scheme = {"_type": "TERMINOLOGY_ID", "value": terminology}
    return {"_type": "CODE_PHRASE", "terminology_id": scheme, "code_string": code}


def _event(random, counts):
    items = _elements(
        random,
        [
            ("at0004", ("DV_QUANTITY",)),
            ("at0005", ("DV_QUANTITY", "DV_COUNT")),
            ("at0008", ("DV_TEXT", "DV_CODED_TEXT")),
            ("at0009", ("DV_DATE_TIME",)),
            *[("at0010", ("DV_COUNT",))] * counts,
        ],
    )
    if not items:
        items = [_element("at0004", _value(random, "DV_QUANTITY"))]
    data = _located("ITEM_TREE", "at0003", "data", items=items)
    time = {"_type": "DV_DATE_TIME", "value": _moment(random)}
    if random.random() < 0.5:
        return _located("POINT_EVENT", "at0006", "any event", time=time, data=data)
    return _located(
        "INTERVAL_EVENT",
        "at0006",
        random.choice(("any event", "mean")),
        time=time,
        data=data,
        width=_value(random, "DV_DURATION"),
        math_function={**_text("mean"), "_type": "DV_CODED_TEXT", "defining_code": _mean()},
    )


def _mean():
    return _phrase("openehr", "146")


def _observation(random, counts):
    origin = {"_type": "DV_DATE_TIME", "value": _moment(random)}
    events = [_event(random, counts) for _ in range(random.choice((1, 1, 2, 3)))]
    more = {"data": _located("HISTORY", "at0001", "history", origin=origin, events=events)}
    clusters = [_device(random) for _ in range(random.choice((0, 0, 1, 2)))]
    if random.random() < 0.15:
        inner = [_element("at0004", _text("extra"))]
        clusters.append(_located("CLUSTER", "openEHR-EHR-CLUSTER.extra.v1", "extra", items=inner))
    if clusters:
        more["protocol"] = _located("ITEM_TREE", "at0011", "protocol", items=clusters)
    return _entry("OBSERVATION", PRESSURE, **more)


def _device(random):
    kinds = [("at0001", ("DV_TEXT",)), ("at0004", ("DV_TEXT",))]
    items = _elements(random, kinds) or [_element("at0001", _value(random, "DV_TEXT"))]
    return _located("CLUSTER", DEVICE, random.choice(("cuff", "device")), items=items)


def _evaluation(random):
    items = _elements(
        random,
        [
            ("at0002", ("DV_CODED_TEXT", "DV_TEXT")),
            ("at0003", ("DV_DATE",)),
            ("at0004", ("DV_BOOLEAN", "DV_QUANTITY", "DV_TEXT")),
            ("at0005", ("DV_DURATION",)),
            ("at0006", ("DV_PROPORTION",)),
            ("at0007", ("DV_DATE", "DV_TEXT")),
        ],
    )
    if not items:
        items = [_element("at0002", _value(random, "DV_TEXT"))]
    data = _located("ITEM_TREE", "at0001", "data", items=items)
    return _entry("EVALUATION", PROBLEM, data=data)


def _section(name, items):
    return _located("SECTION", PART, name, items=items)


def _content(random, key):
    times = random.choice((1, 1, 2))
    if key == NIGHT:
        found = [_observation(random, 1) for _ in range(times)]
        found += [_evaluation(random) for _ in range(random.choice((0, 1, 2)))]
        for name in ("first", "second"):
            if random.random() < 0.4:
                found.append(_section(name, [_evaluation(random)]))
        return found
    found = [_observation(random, random.choice((0, 1, 3))) for _ in range(random.choice((0, 1)))]
    for number in range(times):
        inner = [_observation(random, 2) for _ in range(random.choice((0, 1, 2)))]
        inner += [_evaluation(random) for _ in range(random.choice((1, 1, 2)))]
        found.append(_section(random.choice(("part", f"part {number}")), inner))
    return found


def document(random, key, template_id):
    """One composition of a template, as canonical JSON."""
    start = {"_type": "DV_DATE_TIME", "value": _moment(random)}
    setting = {
        **_text("home"),
        "_type": "DV_CODED_TEXT",
        "defining_code": _phrase("openehr", "225"),
    }
    context = {"_type": "EVENT_CONTEXT", "start_time": start, "setting": setting}
    if key == WARD and random.random() < 0.5:
        items = [_element("at0002", _value(random, "DV_TEXT"))]
        context["other_context"] = _located("ITEM_TREE", "at0001", "other", items=items)
    category = _phrase("openehr", "433")
    whole = _located(
        "COMPOSITION",
        COMPOSITION,
        random.choice(("round", "visit")),
        language=_phrase("ISO_639-1", "en"),
        territory=_phrase("ISO_3166-1", "GB"),
        category={**_text("event"), "_type": "DV_CODED_TEXT", "defining_code": category},
        composer={"_type": "PARTY_IDENTIFIED", "name": random.choice(("A. Baker", "C. Dove"))},
        context=context,
        content=_content(random, key),
    )
    whole["archetype_details"]["template_id"] = {"_type": "TEMPLATE_ID", "value": template_id}
    return json.dumps(whole).encode()


def checked(count, seed=7):
    """Compositions with their rows: (template_key, stored JSON, Checked), none with a finding."""
    random = Random(seed)
    found = templates()
    compiled = {key: compile_template(each) for key, each in found.items()}
    for _ in range(count):
        key = random.choice((WARD, NIGHT))
        body = document(random, key, found[key].template_id)
        composition = decode_composition(body)
        result = compiled[key].check(composition, key)
        assert not result.findings, result.findings
        yield key, encode(composition), result


def random_uuid(random):
    """A random UUIDv4 that the seed decides."""
    return UUID(int=random.getrandbits(128), version=4)


def status(number):
    """An EHR_STATUS; some have a subject, some details of their own."""
    subject = {"_type": "PARTY_SELF"}
    if number % 2:
        known = {"_type": "GENERIC_ID", "value": f"subject {number}", "scheme": "s"}
        reference = {"_type": "PARTY_REF", "namespace": "n", "type": "PERSON", "id": known}
        subject = {**subject, "external_ref": reference}
    made = {
        "_type": "EHR_STATUS",
        "archetype_node_id": "openEHR-EHR-EHR_STATUS.generic.v1",
        "name": {"_type": "DV_TEXT", "value": "EHR Status"},
        "subject": subject,
        "is_queryable": number != 4,
        "is_modifiable": number != 2,
    }
    if number % 3 == 0:
        cluster = {
            "_type": "CLUSTER",
            "archetype_node_id": DEVICE,
            "name": {"_type": "DV_TEXT", "value": "ward"},
            "items": [],
        }
        made["other_details"] = {
            "_type": "ITEM_TREE",
            "archetype_node_id": "at0001",
            "name": {"_type": "DV_TEXT", "value": "details"},
            "items": [cluster],
        }
    return made


def folder(number, referred):
    """A directory whose subfolders share some of the objects that it refers to."""

    def named(name, items, folders):
        reference = {"_type": "OBJECT_REF", "namespace": "local", "type": "VERSIONED_COMPOSITION"}
        return {
            "_type": "FOLDER",
            "archetype_node_id": "openEHR-EHR-FOLDER.generic.v1",
            "name": {"_type": "DV_TEXT", "value": name},
            "items": [
                {**reference, "id": {"_type": "HIER_OBJECT_ID", "value": item}} for item in items
            ],
            "folders": folders,
        }

    half = len(referred) // 2
    inner = named("inner", referred[:half], [])
    return named("root", referred[half - 1 :], [inner, named(f"empty {number}", [], [])])
