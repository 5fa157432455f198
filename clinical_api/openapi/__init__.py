"""The OpenAPI document of the service: what every operation takes and may answer.

The routes read bodies, headers and formats themselves, so FastAPI cannot infer them; they stand
here instead, and a contract test compares both.

schemas.py      the shapes of bodies
parameters.py   paths, queries and headers
examples/       requests that can be sent as they stand
parts.py        what an operation is made of
versioned.py    the operations of a versioned object, which every kind has alike
ehr.py          EHR, EHR_STATUS
composition.py  COMPOSITION, VERSIONED_COMPOSITION
directory.py    DIRECTORY, CONTRIBUTION
tags.py         ITEM_TAG
definition.py   templates, stored queries
query.py        AQL
admin.py        deletion for good
beside.py       what the openEHR REST API does not know
document.py     all of it together, and parts of it under other names
"""
