"""What is over goes: yesterday's marks and counts, spent tokens and sessions that ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from linkage_vault import alerts
from linkage_vault.vault import Vault
from moiety.kit.threads import at_intervals, threads

INTERVAL = 3600.0  # seconds
_OVER = (
    "DELETE FROM screen_guess WHERE day < (now() AT TIME ZONE 'UTC')::date",
    "DELETE FROM usage_subject WHERE day < (now() AT TIME ZONE 'UTC')::date",
    "DELETE FROM usage WHERE day < (now() AT TIME ZONE 'UTC')::date - 7",
    "DELETE FROM spent_token WHERE until < now()",
    "DELETE FROM user_session WHERE until < now() - interval '1 day'",
    "DELETE FROM care WHERE until < (now() AT TIME ZONE 'UTC')::date",
)


def clean(vault: Vault) -> int:
    """Delete what is over; returns how many rows went."""
    with vault.engine.begin() as connection:
        gone = alerts.forget_strangers(connection, vault.rules.alert_targets)
        return gone + sum(connection.exec_driver_sql(statement).rowcount for statement in _OVER)


@contextmanager
def kept(vault: Vault, *, interval: float = INTERVAL) -> Iterator[None]:
    """Clean now and then while the context lasts."""
    with threads(at_intervals(interval, partial(_try_to_clean, vault)), name="housekeeping"):
        yield


def _try_to_clean(vault: Vault) -> None:
    try:
        clean(vault)
    except SQLAlchemyError as error:
        structlog.get_logger().warning("housekeeping failed", error_kind=type(error).__name__)
