"""How many foreign templates and documents pass or are refused, as a table.

Run from the repository's root, where ../shared/data is at hand:
`python -m tests.unit.openehr.counts`.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from moiety.openehr import rm
from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.errors import RmError, TemplateError
from moiety.openehr.opt import parse_opt
from moiety.openehr.simplified.example import example
from moiety.openehr.simplified.forms import (
    decode_simplified,
    encode_flat,
    encode_structured,
    prepare,
)
from moiety.openehr.validate import compile_template
from moiety.openehr.xml import decode_xml, encode_xml
from tests.property.openehr import test_formats as formats
from tests.unit.openehr import test_shared_documents as shared

ROOT = Path(__file__).parents[3].parent / "shared/data/openehr"
NOW = "2024-05-17T08:30:00Z"


def through_all(composition, forms):
    """Whether four formats give a composition back alike."""
    return composition == decode_composition(encode(composition)) and (
        composition == decode_xml(encode_xml(composition), rm.Composition)
        and composition == decode_simplified(encode_flat(composition, forms), forms, now=NOW)
        and composition == decode_simplified(encode_structured(composition, forms), forms, now=NOW)
    )


def templates():
    """Valid ones: read, and with examples that are content and survive; broken ones by reason."""
    valid = [*ROOT.glob("opt/*.opt"), *ROOT.glob("aql/opts/**/*.opt")]
    forms = [prepare(parse_opt(path.read_bytes())) for path in valid]
    yield "operational templates read", f"{len(forms)} of {len(valid)}"
    made = [(each, example(each.template, everything=all_)) for each in forms for all_ in (0, 1)]
    fine = [
        not compile_template(each.template).check(one, 1).findings and through_all(one, each)
        for each, one in made
    ]
    yield "examples valid, one object in four formats", f"{sum(fine)} of {len(fine)}"
    reasons: Counter[str] = Counter()
    for path in sorted(ROOT.glob("invalid/opt/*")):
        try:
            parse_opt(path.read_bytes())
            reasons["NOT REFUSED"] += 1
        except TemplateError as error:
            reasons[f"{error.construct} {error.reason}"] += 1
    yield "broken templates refused", f"{sum(reasons.values()) - reasons['NOT REFUSED']}"
    for reason, count in sorted(reasons.items()):
        yield f"    {reason}", str(count)


def read(path, folder):
    """A composition and its forms from a file of one of the four formats."""
    if folder in {"flat", "structured"}:
        forms = formats.forms_of(path)
        return decode_simplified(path.read_bytes(), forms, now=NOW), forms
    body = path.read_bytes()
    composition = (
        decode_xml(body, rm.Composition) if folder == "canonical_xml" else decode_composition(body)
    )
    return composition, formats.forms_by_id()[composition.archetype_details.template_id.value]


def documents():
    """By format: how many are read, valid, and come back alike through all four formats."""
    sources = {
        name: sorted(ROOT.glob(f"compositions/{name}/*.*"))
        for name in ("canonical_json", "canonical_xml", "flat", "structured")
    }
    sources["of the queries (JSON)"] = sorted(ROOT.glob("aql/compositions/**/*.json"))
    for name, paths in sources.items():
        told: Counter[str] = Counter()
        for path in paths:
            try:
                composition, forms = read(path, name)
            except RmError as error:
                told[f"refused: {error}"] += 1
                continue
            checked = compile_template(forms.template).check(composition, 1)
            told["valid" if not checked.findings else f"findings: {path.name}"] += 1
            told["through four formats"] += through_all(composition, forms)
        yield f"{name}: {len(paths)} documents", ""
        for kind, count in sorted(told.items()):
            yield f"    {kind}", str(count)


def mutations():
    """Documents made invalid in one place, with the answer that another repository gives."""
    parsed = (parse_opt(path.read_bytes()) for path in shared.OPTS)
    compiled = {template.template_id: compile_template(template) for template in parsed}
    told: Counter[str] = Counter()
    for case in shared.cases():
        composition = decode_composition(json.dumps(shared.mutated(case)).encode())
        template_id = composition.archetype_details.template_id.value
        status = 422 if compiled[template_id].check(composition, 1).findings else 201
        agrees = "as elsewhere" if status == case["expected_status"] else "OTHERWISE"
        told[f"answered {status}, {agrees}"] += 1
    yield "mutation cases", str(sum(told.values()))
    for kind, count in sorted(told.items()):
        yield f"    {kind}", str(count)


def main():
    """Print every count, one a line."""
    if not ROOT.is_dir():
        raise SystemExit("../shared/data is not at hand: other projects' templates and documents")
    for part in (templates, documents, mutations):
        for label, count in part():
            print(f"{label:88.88}{count:>12}")


if __name__ == "__main__":
    main()
