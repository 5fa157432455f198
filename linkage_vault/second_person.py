"""Whether somebody is another person than who asked: the rule of four eyes, for every door of it.

Approvals of questions and consents to tasks are two ways with one rule.  A question that is
approved is asked again by whoever asked, and its approval is used up; a task is done at the moment
of the consent, so that an erasure hands its certificate to whoever consents, and goes on after a
crash.  In both the second person is another human, under any account, of another line where that is
configured, and acts for somebody who still works here.
"""

from uuid import UUID

import sqlalchemy as sa

from linkage_vault.people_tables import app_user
from linkage_vault.requesters import Requester


def is_second(
    connection: sa.Connection, requester: Requester, asked_by: UUID | None, *, other_line: bool
) -> bool:
    """Whether the requester may decide on what a user asked for."""
    if requester.user_id is None or asked_by in {None, requester.user_id}:
        return False
    users = sa.select(app_user).where(app_user.c.user_id.in_([asked_by, requester.user_id]))
    rows = {row.user_id: row for row in connection.execute(users)}
    if len(rows) < 2 or not rows[asked_by].active:
        return False
    asking, deciding = rows[asked_by], rows[requester.user_id]
    if asking.staff_id in {deciding.staff_id, requester.staff_id}:
        return False
    line = deciding.manager_id
    return not (other_line and line is not None and line == asking.manager_id)
