"""The vault's database: sealed values, blind indexes and months; no id of a person or EHR in clear.

All keys are random; the trail's position counts up, inside this database alone.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from linkage_vault.metadata import metadata
from linkage_vault.trail_tables import trail_head, trail_leaf, trail_node, trail_personal
from moiety.kit import credentials

__all__ = ["metadata", "trail_head", "trail_leaf", "trail_node", "trail_personal"]

api_key = credentials.table(metadata)

app_user = sa.Table(
    "app_user",
    metadata,
    sa.Column("user_id", sa.Uuid, primary_key=True),
    # A member of staff, as auditors read the name; never a person who has a record.
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
)

link = sa.Table(
    "link",
    metadata,
    sa.Column("link_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("index_version", sa.Integer, nullable=False),
    sa.Column("person_index", BYTEA, nullable=False, unique=True),
    sa.Column("ehr_index", BYTEA, nullable=False, unique=True),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
)

pool_slot = sa.Table(
    "pool_slot",
    metadata,
    sa.Column("slot_id", sa.Uuid, primary_key=True),
    sa.Column("slot_index", BYTEA, nullable=False, unique=True),
    sa.Column("sealed", BYTEA, nullable=False),
)
