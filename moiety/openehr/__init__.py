"""The openEHR models as a library: no I/O, no service, no table.

    document ── canonical, xml ──► rm objects ──┐
                                                ├── validate ──► findings, typed rows, residue
    OPT XML ──── opt ────────────► template ────┘                (one walk)
    FLAT, STRUCTURED ◄── simplified ──► rm objects;  template ──► web template, example

errors         what is refused, and where
rm/            the reference model 1.1.0 as msgspec structs
rm_types       classes as templates name them: abstract ones, conformance, attributes
terminology    codes of the openEHR terminology that the model's invariants use
ids, times     identifiers in parts; dates, times, durations and their magnitudes
rubrics        what those codes are called; code_sets: codes of other bodies
canonical      canonical JSON both ways, strict about unknown and doubled keys
misplaced      attributes of another class, taken out for whoever must read such documents
xml            canonical XML, reading; xml_writing: writing; xml_shapes: order and names

patterns       regular expressions in linear time
constraints    what a template may demand of one value
template       an operational template as a flat tree of numbered nodes
leaves         which values have columns, and their names
opt            OPT 1.4 → template: opt_xml (elements), opt_objects and opt_values (constraints),
               opt_drafts, opt_numbering (numbers, paths, rows)
groups         template → tables and columns
comparison     two versions of a template: what differs, and whether it breaks documents
leaks          where a template lets identity in; leaks_told: what is known of such places
adl2/          operational templates in ADL 2: read, held as text, found by version

validate       template → one walk over a composition
node_checks    nodes, attributes, alternatives; containers: children by node id
value_checks   leaf constraints; model_checks, invariants: the model's own rules
plain_content  what is plainly content: quick looks that spare the whole check
quick_elements elements that are plainly content, checked and written in one look
emission       rows; findings: what a walk carries and how it tells a place

simplified/    FLAT, STRUCTURED, web templates, examples
"""
