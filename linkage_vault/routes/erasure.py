"""Asking for an erasure, and consenting to one."""

from fastapi import APIRouter, Response

from linkage_vault import erasure
from linkage_vault.deps import TheRequester, TheVault
from linkage_vault.keys import public_octets
from linkage_vault.routes.link import answer
from moiety.kit.bodies import Body
from moiety.wire import linking
from moiety.wire.decoding import decode

router = APIRouter(prefix="/erase", tags=["erasure"])


@router.post("")
def erase(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Asks for a link to be cut or shredded: 202 with the task for a second person."""
    message = decode(body, linking.Erase)
    task_id = erasure.ask_erasure(
        vault, requester, message.ehr_id, mode=message.mode, reason=message.reason
    )
    return answer(linking.TaskAnswer(task_id), status=202)


@router.post("/consent")
def consent(vault: TheVault, requester: TheRequester, body: Body) -> Response:
    """Erases what another person asked for, and answers with the certificate."""
    task_id = decode(body, linking.Consent).task_id
    made = erasure.consent_to_erasure(vault, requester, task_id)
    public_key = public_octets(vault.keys.tree_head_public).hex()
    return answer(
        linking.CertificateAnswer(made.statement.decode(), made.signature, made.salt, public_key)
    )
