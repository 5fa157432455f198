"""Words that were sealed out of a document, and who gets them back.

The clinical service seals a document's own identifiers for this vault's public key, keeps the boxes
and cannot open them.  A reader of care gets them back through here: the decision is in the trail
before a box is opened.
"""

from collections.abc import Sequence
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from linkage_vault import decisions
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.keys import KEY_SIZE, KeyRing
from linkage_vault.purposes import PurposeOfUse
from linkage_vault.vault import Vault
from moiety.kit.boxes import BoxKey, NotOpened
from moiety.kit.errors import NotFound
from moiety.wire.screening import LABEL, Box, bound_of


def box_key(keys: KeyRing) -> BoxKey:
    """The key that words are sealed for.

    Derived from the seed that signs tree heads, which is never rotated: boxes lie in another
    database and outlive every key that is.
    """
    hkdf = HKDF(hashes.SHA256(), KEY_SIZE, salt=None, info=b"moiety/vault/sealed-words-key/1")
    return BoxKey(hkdf.derive(keys.tree_head.private_bytes_raw()))


def unseal(
    vault: Vault, requester: Requester, ehr_id: UUID, boxes: Sequence[Box], *, purpose: PurposeOfUse
) -> list[bytes]:
    """The words of some boxes of one record.

    Raises Forbidden (written down), Unavailable without the trail, and NotFound for a box that was
    not sealed in this record.
    """
    ask = Ask(Action.UNSEAL, ehr_id, purpose)
    decisions.demand(vault, requester, ask)
    decisions.write_down(vault, requester, ask, outcome="allowed")
    key = box_key(vault.keys)
    try:
        return [key.open_box(one.box, bound_of(ehr_id, one.seal_id), label=LABEL) for one in boxes]
    except NotOpened:
        raise NotFound from None
