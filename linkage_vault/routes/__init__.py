"""HTTP only: parse, call one work function, render.

link.py   POST /link, /link/bulk, /resolve/person, /resolve/person/bulk, /resolve/ehr
merge.py  POST /merge, /unmerge, /close, /restrict, /move, /move/consent, /adopt; GET /tasks,
          POST /tasks/settle
erasure.py  POST /erase, /erase/consent
trail.py  GET /trail, POST /trail/search, GET /trail/head, GET /trail/proof
pool.py   GET /pool
screen.py POST /screen, /screen/person, /screen/due, /screen/done, GET /screen/key, POST /unseal
approval.py  GET /approval, POST /approval/request, POST /approval/decide
sign_in.py  GET /keys, POST /sign-in, /enrol, /enrol/confirm, /session/end, /token
standing.py  GET and POST /grant, /break-glass; POST /grant/revoke, /break-glass/review, /care,
          /care/end, /canary, /canary/remove, /alert/acknowledge; GET /alert
user.py   GET and POST /user, POST /user/change, /user/invite
project.py  GET /project, POST /project, /project/amend, step, pseudonym, ehr, policy, clean
opt_out.py  POST /opt-out/begin, add, finish, objection, consent
subject.py  POST /access/report, POST /subject-access
"""

from fastapi import APIRouter

from linkage_vault.routes import (
    approval,
    erasure,
    link,
    merge,
    opt_out,
    pool,
    project,
    screen,
    sign_in,
    standing,
    subject,
    trail,
    user,
)
from moiety.wire.vault import BASE

router = APIRouter(prefix=BASE)
for part in (
    link.router,
    merge.router,
    erasure.router,
    trail.router,
    pool.router,
    approval.router,
    screen.loaded,
    screen.router,
    sign_in.router,
    user.router,
    project.router,
    opt_out.router,
    standing.router,
    subject.router,
):
    router.include_router(part)
