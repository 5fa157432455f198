"""The openEHR models as a library: no I/O, no service, no table.

    document ── canonical ──► rm objects ──┐
                                           ├── validate ──► findings, typed rows, residue
    OPT XML ──── opt ───────► template ────┘                (one walk)

errors         what is refused, and where
rm/            the reference model 1.1.0 as msgspec structs
rm_types       classes as templates name them: abstract ones, conformance, attributes
terminology    codes of the openEHR terminology that the model's invariants use
ids, times     identifiers in parts; dates, times, durations and their magnitudes
canonical      canonical JSON both ways, strict about unknown and doubled keys

constraints    what a template may demand of one value
template       an operational template as a flat tree of numbered nodes
leaves         which values have columns, and their names
opt            OPT 1.4 → template: opt_xml (elements), opt_objects and opt_values (constraints),
               opt_drafts, opt_numbering (numbers, paths, rows)
groups         template → tables and columns

validate       template → one walk over a composition
node_checks    nodes, attributes, alternatives; containers: children by node id
value_checks   leaf constraints; model_checks, invariants: the model's own rules
emission       rows; findings: what a walk carries and how it tells a place
"""
