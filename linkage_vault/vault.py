"""What a work function of the vault needs: the database and the keys of one organisation."""

from dataclasses import dataclass, field

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from linkage_vault.appending import Appends
from linkage_vault.keys import KeyRing


@dataclass(frozen=True, slots=True)
class Vault:
    """An organisation's database and keys.

    Work functions take this and not a connection: a decision is committed in a transaction of its
    own before the link is opened in another.
    """

    engine: sa.Engine
    keys: KeyRing
    # Whose box the personal values of the trail are put in; without one the vault can read them.
    auditor: X25519PublicKey | None = None
    # Where decisions of this process wait to be committed together.
    appends: Appends = field(default_factory=Appends)
