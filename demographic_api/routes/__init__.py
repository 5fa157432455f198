"""HTTP only: parse, call one work function, render.

metadata.py  GET /metadata
access.py    who read about a person
opt_out.py   the national list of data opt-outs
patient.py   create, read, update and search of Patient
formats.py   which formats are read and written; versions as `ETag` and `If-Match`
"""

from fastapi import APIRouter

from demographic_api.routes import access, metadata, opt_out, patient
from moiety.wire.demographic import BASE

fhir = APIRouter(prefix=BASE)
for part in (metadata.router, patient.router):
    fhir.include_router(part)
router = APIRouter()
for part in (fhir, opt_out.router, access.router):
    router.include_router(part)
