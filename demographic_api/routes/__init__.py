"""HTTP only: parse, call one work function, render.

metadata.py  GET /metadata
patient.py   create, read, update and search of Patient
formats.py   which formats are read and written; versions as `ETag` and `If-Match`
"""

from fastapi import APIRouter

from demographic_api.routes import metadata, patient
from moiety.wire.demographic import BASE

router = APIRouter(prefix=BASE)
for part in (metadata.router, patient.router):
    router.include_router(part)
