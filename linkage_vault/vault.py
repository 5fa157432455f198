"""What a work function of the vault needs: the database and the keys of one organisation."""

from dataclasses import dataclass

import sqlalchemy as sa

from linkage_vault.keys import KeyRing


@dataclass(frozen=True, slots=True)
class Vault:
    """An organisation's database and keys.

    Work functions take this and not a connection: a decision is committed in a transaction of its
    own before the link is opened in another.
    """

    engine: sa.Engine
    keys: KeyRing
