"""Canaries: ids of nobody, which nobody has a reason to ask about.

Whoever asks about one is suspended at once, and two roles are told (decisions.py does both).  The
table holds marks: a thief of the database can't tell which ids to leave alone.
"""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from linkage_vault import alerts, decisions, standing
from linkage_vault.decisions import Action, Ask, Requester
from linkage_vault.people_tables import canary
from linkage_vault.vault import Vault
from moiety.kit.errors import NotFound
from moiety.wire.crossing import Alerts


def plant(vault: Vault, requester: Requester, ids: Sequence[UUID], label: str) -> None:
    """Makes canaries of ids."""
    _enter(vault, requester, Action.MANAGE_CANARIES, len(ids))
    keys = vault.people_keys
    rows = [{"mark": standing.canary_mark(keys, id_), "label": label} for id_ in ids]
    with vault.engine.begin() as connection:
        connection.execute(insert(canary).on_conflict_do_nothing(), rows)


def remove(vault: Vault, requester: Requester, ids: Sequence[UUID]) -> None:
    """Makes them ids like others again."""
    _enter(vault, requester, Action.MANAGE_CANARIES, len(ids))
    marks = [standing.canary_mark(vault.people_keys, id_) for id_ in ids]
    with vault.engine.begin() as connection:
        connection.execute(sa.delete(canary).where(canary.c.mark.in_(marks)))


def read_alerts(vault: Vault, requester: Requester) -> Alerts:
    """Alerts that nobody has acknowledged."""
    decisions.demand(vault, requester, Ask(Action.READ_ALERTS))
    with vault.engine.connect() as connection:
        return Alerts(alerts.waiting(vault, connection))


def acknowledge(vault: Vault, requester: Requester, alert_id: UUID) -> None:
    """Says that an alert was seen.  Raises NotFound."""
    _enter(vault, requester, Action.READ_ALERTS, 1)
    if requester.user_id is None:
        raise NotFound
    with vault.engine.begin() as connection:
        if not alerts.acknowledge(connection, alert_id, requester.user_id):
            raise NotFound


def _enter(vault: Vault, requester: Requester, action: Action, count: int) -> None:
    ask = Ask(action)
    decisions.demand(vault, requester, ask)
    verdict = decisions.Verdict(allowed=True, count=count)
    decisions.write_down(vault, requester, ask, outcome="allowed", verdict=verdict)
