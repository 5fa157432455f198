"""HTTP only: parse, call one work function, render.

link.py   POST /link, POST /resolve/person, POST /resolve/ehr
trail.py  GET /trail, POST /trail/search, GET /trail/head, GET /trail/proof
pool.py   GET /pool
"""

from fastapi import APIRouter

from linkage_vault.routes import link, pool, trail
from moiety.wire.vault import BASE

router = APIRouter(prefix=BASE)
for part in (link.router, trail.router, pool.router):
    router.include_router(part)
