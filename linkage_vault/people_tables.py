"""Tables of people: who may sign in, what stands for them, what they asked for and used.

No id of a person who has a record stands here, nor one of an EHR: only marks (see people_keys.py).
Exact times are kept where something ends at a moment, and in nothing that tells of one crossing.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from linkage_vault.metadata import metadata
from moiety.kit import credentials

api_key = credentials.table(metadata)

_MOMENT = sa.DateTime(timezone=True)

app_user = sa.Table(
    "app_user",
    metadata,
    sa.Column("user_id", sa.Uuid, primary_key=True),
    # A member of staff, as auditors read the name; never a person who has a record.
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    # The human behind the account: two accounts of one human have one staff id.
    sa.Column("staff_id", sa.Text, nullable=False),
    sa.Column("manager_id", sa.Text),  # the staff id of the line manager
    sa.Column("login", sa.Text, unique=True),
    sa.Column("outside_id", sa.Text, unique=True),  # as an outside OpenID provider knows the user
)

sign_in = sa.Table(
    "sign_in",
    metadata,
    sa.Column("user_id", sa.Uuid, primary_key=True),
    sa.Column("password", sa.Text),  # argon2id
    sa.Column("factor", BYTEA),  # the sealed secret of the second factor
    sa.Column("factor_step", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", _MOMENT),
    sa.Column("invitation", BYTEA),  # SHA-256 of the code that the administrator hands over
    sa.Column("invited_until", _MOMENT),
)

user_session = sa.Table(
    "user_session",
    metadata,
    sa.Column("session_id", sa.Uuid, primary_key=True),
    sa.Column("secret_hash", BYTEA, nullable=False),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),  # the program that the user signed in through
    sa.Column("until", _MOMENT, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False, server_default=sa.false()),
)

spent_token = sa.Table(
    "spent_token",
    metadata,
    sa.Column("token_id", sa.Text, primary_key=True),
    sa.Column("until", _MOMENT, nullable=False),
)

care = sa.Table(
    "care",
    metadata,
    sa.Column("mark", BYTEA, primary_key=True),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("record_mark", BYTEA, unique=True),
    sa.Column("until", sa.Date),
    # Of another person of the same family, while they are merged.
    sa.Column("is_shared", sa.Boolean, nullable=False, server_default=sa.false()),
)

access_grant = sa.Table(
    "access_grant",
    metadata,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("ticket", sa.Text, nullable=False),
    sa.Column("project_id", sa.Uuid),
    sa.Column("given_by", sa.Uuid, nullable=False),
    sa.Column("not_before", _MOMENT, nullable=False),
    sa.Column("not_after", _MOMENT, nullable=False),
    sa.Column("uses_left", sa.Integer, nullable=False),
    sa.Column("subjects_left", sa.Integer, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.CheckConstraint("uses_left >= 0", name="uses"),
    sa.CheckConstraint("subjects_left >= 0", name="subjects"),
    sa.Index(None, "user_id", "action"),
)

grant_subject = sa.Table(
    "grant_subject",
    metadata,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("mark", BYTEA, primary_key=True),
)

approval = sa.Table(
    "approval",
    metadata,
    sa.Column("approval_id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.Uuid, nullable=False),  # who asks
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("request_hash", BYTEA, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
    sa.Column("until", _MOMENT, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    sa.Column("decided_by", sa.Uuid),
)

break_glass = sa.Table(
    "break_glass",
    metadata,
    sa.Column("break_glass_id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("mark", BYTEA, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
    sa.Column("until", _MOMENT, nullable=False),
    sa.Column("review_due", _MOMENT, nullable=False),
    sa.Column("finding", sa.Text),
    sa.Column("reviewed_by", sa.Uuid),
    sa.Index(None, "user_id"),
)

# What a user or program has used today: one row each, so that a count is one small update.
usage = sa.Table(
    "usage",
    metadata,
    sa.Column("principal", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("minute", sa.Integer, nullable=False),  # of the day, the last with a call
    sa.Column("minute_calls", sa.Integer, nullable=False),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("subjects", sa.Integer, nullable=False),
)

usage_subject = sa.Table(
    "usage_subject",
    metadata,
    sa.Column("mark", BYTEA, primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
)

canary = sa.Table(
    "canary",
    metadata,
    sa.Column("mark", BYTEA, primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
)

# Added by the service; taken away by the operator alone, as the migrator.
suspension = sa.Table(
    "suspension",
    metadata,
    sa.Column("principal", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
)

alert = sa.Table(
    "alert",
    metadata,
    sa.Column("alert_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
    sa.Column("acknowledged_by", sa.Uuid),
)

# Receivers outside that were not told of an alert yet, by a hash of their address.
alert_due = sa.Table(
    "alert_due",
    metadata,
    sa.Column("alert_id", sa.Uuid, primary_key=True),
    sa.Column("target", BYTEA, primary_key=True),
)
