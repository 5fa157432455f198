"""ADL 2 operational templates (OPT 2): read, held as text, found by version.

    text ── artefact.parse_operational_template ─┬─ identification (header, id)
                                                 ├─ odin (language, description, terms, …)
                                                 └─ cadl ── primitives (the definition)
                                                 ──► Adl2Template
    Adl2Template ── conversion.template_of ── values ──► Template (for examples)
    ids of templates ── versions.find_version ──► the one that is meant

reader          a place in a text: takes what stands there, or refuses with line and column
atoms           literals and intervals, which ODIN and cADL share
constraints     what a definition is made of
"""

from moiety.openehr.adl2.artefact import Adl2Template, parse_operational_template
from moiety.openehr.adl2.conversion import template_of
from moiety.openehr.adl2.versions import Version, find_version, parse_version, sort_by_version
from moiety.openehr.errors import Adl2Error

__all__ = [
    "Adl2Error",
    "Adl2Template",
    "Version",
    "find_version",
    "parse_operational_template",
    "parse_version",
    "sort_by_version",
    "template_of",
]
