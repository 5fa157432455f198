"""The vault's database: sealed values, blind indexes and months; no id of a person or EHR in clear.

All keys are random; the trail's position counts up, inside this database alone.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from moiety.kit import credentials
from moiety.kit.database import NAMING

metadata = sa.MetaData(naming_convention=NAMING)

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

# Both tables of the trail grow and never change: the app role may insert and select, no more.
trail_leaf = sa.Table(
    "trail_leaf",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("entry", BYTEA, nullable=False),
    sa.Column("leaf_hash", BYTEA, nullable=False),
)

trail_head = sa.Table(
    "trail_head",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("root", BYTEA, nullable=False),
    # Roots of the complete subtrees, 32 octets each: all that the next append needs.
    sa.Column("peaks", BYTEA, nullable=False),
    sa.Column("signature", BYTEA, nullable=False),
)
