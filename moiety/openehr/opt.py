"""Operational templates, OPT 1.4 (AM 1.4, Template.xsd): XML → Template.

parse_opt ─ opt_xml.read_template ─► elements
          ─ opt_objects.read_object ─► drafts: the tree of constraints
          ─ opt_numbering.number ─► nodes in pre-order, paths, groups
          ─ groups.groups_of ─► tables and columns

What says nothing about data (description, ontology, view, presentation constraints) is known,
checked for its place and left in the XML, which the repository keeps as it came.
"""

from moiety.openehr.errors import TemplateError
from moiety.openehr.groups import groups_of
from moiety.openehr.opt_numbering import number
from moiety.openehr.opt_objects import read_definition
from moiety.openehr.opt_xml import Place, read_template
from moiety.openehr.template import Template


def parse_opt(xml: bytes) -> Template:
    """A template from the XML of an OPT 1.4.

    Raises TemplateError, naming place and construct, for what is broken, missing, doubled,
    unknown to the schema, or not supported.
    """
    try:
        return _parse(read_template(xml))
    except RecursionError:
        raise TemplateError("template/definition", "attributes", "nested too deeply") from None


def _parse(template: Place) -> Template:
    template.check(
        one="language template_id concept definition",
        optional="is_controlled description revision_history uid ontology constraints view",
        many="component_ontologies annotations",
    )
    language = template.one("language")
    language.check(one="terminology_id code_string")
    template_id = template.id_value("template_id")
    draft = read_definition(template.one("definition"))
    if draft.rm_type != "COMPOSITION":
        raise template.refuse(draft.rm_type, "only templates of a COMPOSITION are supported")
    terms = dict(draft.terms)
    nodes = number(draft)
    return Template(
        template_id=template_id,
        uid=template.id_value("uid") if template.find("uid") else None,
        concept=template.value("concept"),
        archetype_id=draft.node_id,
        language=language.value("code_string"),
        nodes=nodes,
        groups=groups_of(nodes),
        terms=terms,
        annotations=_annotations(template),
        bindings=dict(draft.bindings),
    )


def _annotations(template: Place) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for annotation in template.many("annotations"):
        annotation.check(many="items")
        of_path = found.setdefault(annotation.attribute("path"), {})
        of_path.update((item.attribute("id"), item.text) for item in annotation.many("items"))
    return found
