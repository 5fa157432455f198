"""What a work function of the vault needs: the database, keys and rules of one organisation."""

from dataclasses import dataclass, field
from functools import cache

import sqlalchemy as sa

from linkage_vault.appending import Appends
from linkage_vault.key_ring import KeyRing
from linkage_vault.people_keys import PeopleKeyFile, PeopleKeys
from linkage_vault.rules import Rules
from moiety.kit.singles import Singles


@dataclass(frozen=True, slots=True)
class Vault:
    """An organisation's database, keys and rules.

    Work functions take this and not a connection: a decision is committed in a transaction of its
    own before the link is opened in another.  Only what decides nothing (filling the pool) works
    without `people`.
    """

    engine: sa.Engine
    keys: KeyRing
    # Whose box the personal values of the trail are put in; without one the vault can read them.
    auditor: bytes | None = None
    # How many EHRs a person may have.
    ehrs_per_person: int = 1
    # Where decisions of this process wait to be committed together.
    appends: Appends = field(default_factory=Appends)
    people: PeopleKeyFile | None = None
    rules: Rules = field(default_factory=Rules)
    # Statements that are a transaction each; made from the engine.
    singles: Singles = field(init=False)
    # Which limits were told of, so that each is told once a day.
    told: set[object] = field(default_factory=set)

    def __post_init__(self) -> None:
        object.__setattr__(self, "singles", _singles(self.engine))

    @property
    def people_keys(self) -> PeopleKeys:
        """The keys for people as their file has them now.  Raises RuntimeError without a file."""
        if self.people is None:
            raise RuntimeError("this vault was made without its keys for people")
        return self.people.current()


@cache
def _singles(engine: sa.Engine) -> Singles:
    """One set of connections for a database, however often its vault is described."""
    return Singles(engine)
