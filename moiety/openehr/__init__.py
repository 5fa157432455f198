"""The openEHR models as a library: no I/O, no service, no table.

    document ─ canonical ─► rm objects ─┐
                                        ├─ validate ─► findings, typed rows, residue
    OPT XML ─ opt ─► template ──────────┘                     (one walk)

errors        what is refused, and where
rm/           the reference model 1.1.0 as msgspec structs
terminology   codes of the openEHR terminology
ids, times    identifiers; dates, times and durations with their magnitudes
canonical     canonical JSON both ways, strict about unknown and doubled keys
constraints   what a template may demand of a value
template      an operational template as a flat tree of numbered nodes
leaves        which values have columns, and their names
opt, opt_xml  OPT 1.4 → template
groups        template → groups and columns
locate        path in a template → columns
validate      template → one walk over a composition
"""
