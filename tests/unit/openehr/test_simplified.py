"""FLAT and STRUCTURED in small: context, aliases, what is refused; the web template."""

import json
from pathlib import Path

import pytest

from moiety.openehr.errors import RmError
from moiety.openehr.opt import parse_opt
from moiety.openehr.simplified.forms import decode_simplified, encode_flat, prepare
from moiety.openehr.simplified.tree import make_id
from moiety.openehr.simplified.web_template import web_template
from tests.unit.openehr import documents

NOW = "2024-05-17T08:30:00Z"
SHARED = Path(__file__).parents[3].parent / "shared/data/openehr"


@pytest.fixture(scope="module")
def forms():
    return prepare(documents.template("vital_signs"))


def flat(forms, **fields):
    context = {"ctx/language": "en", "ctx/territory": "GB", "ctx/composer_name": "Dr Example"}
    root = forms.web.id
    return json.dumps(context | {f"{root}/{key}": v for key, v in fields.items()}).encode()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Body temperature", "body_temperature"),
        ("Problem/diagnosis", "problem_diagnosis"),
        ("Tests (1, 2, 3)", "tests_1_2_3"),
        ("1st visit", "a1st_visit"),
        ("Kategorie (LOINC)", "kategorie_loinc"),
        ("Labortest-Bezeichnung", "labortest-bezeichnung"),
        ("Größe", "größe"),
        ("???", "id"),
    ],
)
def test_ids_are_made_from_names(name, expected):
    """The specification's examples, and names that other systems have ids for."""
    assert expected == make_id(name)


def test_context_fills_in_what_a_document_leaves_out(forms):
    """Language, territory, composer and times come from ctx, or from the clock."""
    body = json.dumps(
        json.loads(flat(forms))
        | {
            "ctx/setting": "home",
            "ctx/health_care_facility|name": "Hospital",
            "ctx/participation_name:0": "A",
            "ctx/participation_function:0": "performer",
            "ctx/participation_mode:0": "face-to-face communication",
            "ctx/participation_id:0": "1",
            "ctx/participation_identifiers:0": "issuer::assigner::id::type",
            "ctx/id_namespace": "NS",
            "ctx/id_scheme": "S",
            f"{forms.web.id}/_uid": "6e3a9506-b81c-4d74-a37f-1464fb7106b2::x::1",
        }
    ).encode()
    made = decode_simplified(body, forms, now=NOW)
    assert ("en", "GB") == (made.language.code_string, made.territory.code_string)
    assert "Dr Example" == made.composer.name
    assert (NOW, "225") == (
        made.context.start_time.value,
        made.context.setting.defining_code.code_string,
    )
    assert "Hospital" == made.context.health_care_facility.name
    (participation,) = made.context.participations
    assert "216" == participation.mode.defining_code.code_string
    assert ("NS", "S") == (
        participation.performer.external_ref.namespace,
        participation.performer.external_ref.id.scheme,
    )
    assert "id" == participation.performer.identifiers[0].id
    assert "6e3a9506-b81c-4d74-a37f-1464fb7106b2::x::1" == made.uid.value


def test_composer_self_makes_a_party_self(forms):
    """ctx/composer_self says that the subject wrote."""
    body = json.loads(flat(forms)) | {"ctx/composer_self": True, f"{forms.web.id}/_uid": "a"}
    made = decode_simplified(json.dumps(body).encode(), forms, now=NOW)
    assert "PARTY_SELF" == type(made.composer).__struct_config__.tag


def test_null_says_that_nothing_stands_there(forms):
    """What reading would fill in can be left out on purpose: raw null."""
    made = decode_simplified(flat(forms, **{"category|raw": None}), forms, now=NOW)
    assert made.category is None
    again = decode_simplified(encode_flat(made, forms), forms, now=NOW)
    assert made == again


def test_a_party_of_whom_nothing_is_told_stays(forms):
    """An object without attributes is there all the same."""
    raw = {"_type": "PARTY_IDENTIFIED"}
    made = decode_simplified(flat(forms, **{"composer|raw": raw}), forms, now=NOW)
    assert made == decode_simplified(encode_flat(made, forms), forms, now=NOW)


REFUSED = {
    "no object": (b"[]", "", "JSON object"),
    "no JSON": (b"{", "", "malformed JSON"),
    "a doubled key": (b'{"ctx/language":"en","ctx/language":"de"}', "", "stands twice"),
    "no field of the template": (b'{"other/secret": 1}', "", "no field begins with vital_signs"),
    "a bad key": (b'{"vital_signs//x": 1}', "", "no path of ids"),
    "two keys of one place": (
        b'{"vital_signs/_uid": "a", "vital_signs:0/_uid": "b"}',
        "",
        "two keys lead to one place",
    ),
    "an unknown field": (b'{"vital_signs/secret": 1}', "/vital_signs:0", "no place here"),
    "an unknown suffix": (
        b'{"vital_signs/_uid": "a", "vital_signs/_uid|secret": 1}',
        "/vital_signs:0/_uid:0",
        "no place here",
    ),
    "a coded text without a code": (
        b'{"vital_signs/category|value": "secret"}',
        "/vital_signs/category",
        "needs a code",
    ),
    "raw JSON of another class": (
        b'{"vital_signs/category|raw": {"_type": "DV_TEXT", "value": "secret"}}',
        "/vital_signs/category",
        "needs a code",
    ),
    "a raw object in the wrong place": (
        b'{"vital_signs/_content:0|raw": {"_type": "DV_TEXT", "value": "secret"}}',
        "/content[0]",
        "names no class that may stand here",
    ),
    "a mode that is none": (
        b'{"vital_signs/context/_participation:0|mode": "secret"}',
        "/vital_signs/context:0/_participation",
        "names no participation mode",
    ),
    "raw JSON without a class": (
        b'{"vital_signs/category|raw": {"secret": 1}}',
        "/vital_signs/category",
        "needs the `_type`",
    ),
    "a deep key": (b'{"' + b"/".join([b"a"] * 200) + b'": 1}', "", "too many segments"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_bad_fields_are_refused_with_their_path(case, forms):
    """The path tells the ids that the template knows, and the message no value."""
    body, path, reason = REFUSED[case]
    with pytest.raises(RmError, match=reason) as caught:
        decode_simplified(body, forms, now=NOW)
    assert path == caught.value.path
    assert "secret" not in str(caught.value)


# --- web templates


def by_id(tree):
    """Children by id: their order means nothing."""
    if isinstance(tree, list):
        if tree and isinstance(tree[0], dict) and "id" in tree[0]:
            return {child["id"]: by_id(child) for child in tree}
        return [by_id(item) for item in tree]
    if isinstance(tree, dict):
        return {key: by_id(value) for key, value in tree.items()}
    return tree


def test_the_web_template_is_that_of_another_system():
    """Version 2.3, node for node and input for input."""
    expected = SHARED / "webtemplates/GECCO_Serologischer_Befund_wt.json"
    if not expected.exists():
        pytest.skip("../shared/data is not at hand: a web template of another system")
    template = parse_opt((SHARED / "opt/GECCO_Serologischer_Befund.opt").read_bytes())
    assert by_id(json.loads(expected.read_bytes())) == by_id(web_template(template))


@pytest.mark.parametrize("path", sorted(documents.TEMPLATES.glob("*.opt")), ids=lambda p: p.stem)
def test_siblings_have_ids_of_their_own(path):
    """No two children of a web template's node share an id."""

    def walk(node):
        ids = [child["id"] for child in node.get("children", ())]
        assert len(set(ids)) == len(ids)
        for child in node.get("children", ()):
            walk(child)

    walk(web_template(parse_opt(path.read_bytes()))["tree"])
