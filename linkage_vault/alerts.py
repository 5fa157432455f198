"""Alerts: what two roles must see at once, in the log, in a table and where the operator says.

An alert says what happened and who did it, and never of whom.  The log line and the table come
first; a receiver outside (a webhook, or a syslog relay behind one) is called by a thread of its
own, so that its absence holds nothing up.
"""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import sqlalchemy as sa
import structlog

from linkage_vault.people_tables import alert
from linkage_vault.seal import Place, open_sealed, seal
from linkage_vault.vault import Vault
from moiety.kit.trust import authorities

SIZE = 1024
ROLES = ("approver", "auditor")
"""Whom every alert is for."""
_PATIENCE = 5.0


def sound(vault: Vault, kind: str, facts: Mapping[str, Any]) -> UUID:
    """Raise an alert of one kind; `facts` say who and how many, as JSON.  Committed on return."""
    alert_id = uuid4()
    told = {"kind": kind, "at": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
    structlog.get_logger().warning("alert", code=kind)
    keys = vault.people_keys
    sealed = seal(keys.sealing, msgspec.json.encode(told), _place(alert_id), size=SIZE)
    with vault.engine.begin() as connection:
        connection.execute(
            alert.insert().values(alert_id=alert_id, kind=kind, roles=list(ROLES), sealed=sealed)
        )
    if vault.rules.alert_url:
        message = {"alert_id": str(alert_id), **told}
        threading.Thread(target=_post, args=(vault.rules.alert_url, message), daemon=True).start()
    return alert_id


def waiting(vault: Vault, connection: sa.Connection) -> list[dict[str, Any]]:
    """Alerts that nobody has acknowledged."""
    keys = vault.people_keys
    rows = connection.execute(sa.select(alert).where(alert.c.acknowledged_by.is_(None)))
    found = [
        {
            "alert_id": str(row.alert_id),
            **msgspec.json.decode(open_sealed(keys.opening, row.sealed, _place(row.alert_id))),
        }
        for row in rows
    ]
    return sorted(found, key=lambda one: str(one["at"]))


def acknowledge(connection: sa.Connection, alert_id: UUID, user_id: UUID) -> bool:
    """Say that somebody has seen an alert; False when it is unknown or was seen before."""
    statement = sa.update(alert).where(
        alert.c.alert_id == alert_id, alert.c.acknowledged_by.is_(None)
    )
    return connection.execute(statement.values(acknowledged_by=user_id)).rowcount == 1


def _post(url: str, message: Mapping[str, Any]) -> None:
    try:
        httpx.post(
            url, json=message, timeout=_PATIENCE, trust_env=False, verify=authorities()
        ).raise_for_status()
    except httpx.HTTPError as error:
        log = structlog.get_logger()
        log.warning("alert not delivered", error_kind=type(error).__name__, peer="alert receiver")


def _place(alert_id: UUID) -> Place:
    return Place("alert", str(alert_id), "sealed", 1)
