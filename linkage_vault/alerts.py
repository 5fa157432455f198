"""Alerts: what two roles must see at once, in the log, in a table and where the operator says.

An alert says what happened and who did it, and never of whom.  Its row, and one for each receiver
outside, are committed together; a worker tells the receivers, and again until each has it: so no
alert is lost with a process, and no receiver that is away holds an answer up.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from linkage_vault import targets
from linkage_vault.people_tables import alert, alert_due
from linkage_vault.seal import Place, open_sealed, seal
from linkage_vault.targets import Target
from linkage_vault.vault import Vault
from moiety.kit.threads import threads

SIZE = 1024
ROLES = ("approver", "auditor")
"""Whom every alert is for."""
_INTERVAL = 1.0  # seconds between looks: a canary alarms within a minute
_LONGEST_PAUSE = 60.0


def sound(vault: Vault, kind: str, facts: Mapping[str, Any]) -> UUID:
    """Raise an alert of one kind; `facts` say who and how many, as JSON.  Committed on return."""
    with vault.engine.begin() as connection:
        return put(connection, vault, kind, facts)


def put(connection: sa.Connection, vault: Vault, kind: str, facts: Mapping[str, Any]) -> UUID:
    """The same, as part of what it tells of: neither is committed without the other."""
    alert_id = uuid4()
    told = {"kind": kind, "at": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
    structlog.get_logger().warning("alert", code=kind)
    keys = vault.people_keys
    sealed = seal(keys.sealing, msgspec.json.encode(told), _place(alert_id), size=SIZE)
    row = {"alert_id": alert_id, "kind": kind, "roles": list(ROLES), "sealed": sealed}
    connection.execute(alert.insert().values(row))
    due = [{"alert_id": alert_id, "target": name_of(one)} for one in vault.rules.alert_targets]
    if due:
        connection.execute(alert_due.insert(), due)
    return alert_id


def waiting(vault: Vault, connection: sa.Connection) -> list[dict[str, Any]]:
    """Alerts that nobody has acknowledged."""
    rows = connection.execute(sa.select(alert).where(alert.c.acknowledged_by.is_(None)))
    return sorted((_told(vault, row) for row in rows), key=lambda one: str(one["at"]))


def acknowledge(connection: sa.Connection, alert_id: UUID, user_id: UUID) -> bool:
    """Say that somebody has seen an alert; False when it is unknown or was seen before."""
    statement = sa.update(alert).where(
        alert.c.alert_id == alert_id, alert.c.acknowledged_by.is_(None)
    )
    return connection.execute(statement.values(acknowledged_by=user_id)).rowcount == 1


# --- receivers -----------------------------------------------------------------------------------


def name_of(target: Target) -> bytes:
    """What a receiver is called in the table: its address may hold a secret."""
    return hashlib.sha256(f"{target.kind}\0{target.address}".encode()).digest()[:8]


def tell(vault: Vault, target: Target) -> bool:
    """Tells a receiver one alert that it does not have yet; False when it has all.

    Raises what `targets.ERRORS` names when it is away: the alert goes on waiting.
    """
    mine = (
        sa.select(alert_due.c.alert_id)
        .where(alert_due.c.target == name_of(target))
        .order_by(alert_due.c.alert_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with vault.engine.begin() as connection:
        alert_id = connection.scalar(mine)
        if alert_id is None:
            return False
        row = connection.execute(sa.select(alert).where(alert.c.alert_id == alert_id)).one()
        line = json.dumps(_told(vault, row))
        targets.send(target, line, severity=targets.ALERT)
        this = (alert_due.c.alert_id == alert_id) & (alert_due.c.target == name_of(target))
        connection.execute(alert_due.delete().where(this))
    return True


@contextmanager
def keep_told(vault: Vault, *, interval: float = _INTERVAL) -> Iterator[None]:
    """Tells the receivers while the context lasts, each in a thread of its own."""
    works = [partial(_work, vault, one, interval) for one in vault.rules.alert_targets]
    with threads(*works, name="alerts", patience=targets.TIMEOUT):
        yield


def _work(vault: Vault, target: Target, interval: float, stop: threading.Event) -> None:
    log = structlog.get_logger()
    pause = interval
    while not stop.is_set():
        try:
            found, pause = tell(vault, target), interval
        except (*targets.ERRORS, SQLAlchemyError) as error:
            log.warning("alert not delivered", error_kind=type(error).__name__, peer=target.kind)
            found, pause = False, min(2 * pause, _LONGEST_PAUSE)
        if not found:
            stop.wait(pause)


def _told(vault: Vault, row: Any) -> dict[str, Any]:
    octets = open_sealed(vault.people_keys.opening, row.sealed, _place(row.alert_id))
    facts: Mapping[str, Any] = msgspec.json.decode(octets)
    return {"alert_id": str(row.alert_id), **facts}


def forget_strangers(connection: sa.Connection, kept: Sequence[Target]) -> int:
    """What waits for receivers that the settings name no more goes."""
    names = [name_of(one) for one in kept]
    return connection.execute(alert_due.delete().where(alert_due.c.target.not_in(names))).rowcount


def _place(alert_id: UUID) -> Place:
    return Place("alert", str(alert_id), "sealed", 1)
