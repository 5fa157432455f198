"""How much was asked of each record by the screen today: in the database, so for all processes.

A row is a mark that the vault's keys make of the record for this day, and a sum; housekeeping takes
yesterday's away.  So a thief of the database learns how much was asked of nobody in particular, and
two days' rows do not join.  The sum need not be on the disk before the answer: after a crash of the
server a moment's tokens may be missing from it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from linkage_vault.vault import Vault
from moiety.kit.pipelines import Rows
from moiety.kit.singles import Asked

DAILY = 400_000  # tokens that may be asked of one record in a day: twenty very long letters
_COUNT = """
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
counted AS (
  INSERT INTO screen_guess AS g (mark, day, asked)
  SELECT mark, %(day)s::date, asked
  FROM unnest(%(marks)s::bytea[], %(asked)s::bigint[]) AS given(mark, asked), quick ORDER BY mark
  ON CONFLICT (mark) DO UPDATE SET asked = g.asked + excluded.asked
  RETURNING mark, asked
)
SELECT array_agg(mark), array_agg(asked) FROM counted
"""


class Counting:
    """Tokens that are asked now, counted for each record: the statement, and what it answers."""

    def __init__(self, vault: Vault, asked: Mapping[UUID, int]) -> None:
        day = datetime.now(UTC).date()
        mark = vault.people_keys.mark
        self._marks = {mark(f"guess/{day}", one.bytes): one for one in asked}
        self.asked: Asked = (
            _COUNT,
            {
                "day": day,
                "marks": list(self._marks),
                "asked": [asked[one] for one in self._marks.values()],
            },
        )

    def totals(self, answered: Rows) -> dict[UUID, int]:
        """How much was asked of each record today, this call's tokens among it."""
        ((marks, sums),) = answered
        totals = zip(marks or (), sums or (), strict=True)
        return {self._marks[bytes(mark)]: total for mark, total in totals}
