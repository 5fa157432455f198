"""The vault's database: sealed values, blind indexes and months; no id of a person or EHR in clear.

All keys are random.  Tables of people and of the trail stand in modules of their own, named at the
end so that whoever reads this module's metadata has them all.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from linkage_vault.metadata import metadata
from linkage_vault.people_tables import api_key, app_user
from linkage_vault.project_tables import (
    consent,
    objection,
    opt_out,
    opt_out_snapshot,
    project,
    project_history,
    project_key,
    recipient,
)
from linkage_vault.screen_tables import own_words, rescreen, screen_guess, screened
from linkage_vault.trail_tables import trail_head, trail_leaf, trail_node, trail_personal

__all__ = [
    "api_key",
    "app_user",
    "consent",
    "key_fence",
    "key_use",
    "link",
    "link_key",
    "link_task",
    "metadata",
    "objection",
    "opt_out",
    "opt_out_snapshot",
    "own_words",
    "person_merge",
    "pool_slot",
    "project",
    "project_history",
    "project_key",
    "recipient",
    "rescreen",
    "screen_guess",
    "screened",
    "tombstone",
    "trail_head",
    "trail_leaf",
    "trail_node",
    "trail_personal",
]

link = sa.Table(
    "link",
    metadata,
    sa.Column("link_id", sa.Uuid, primary_key=True),
    # Of the row; its data key has the same: a row that is sealed anew gets both anew.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("index_version", sa.Integer, nullable=False),
    sa.Column("person_index", BYTEA, nullable=False, index=True),
    sa.Column("ehr_index", BYTEA, nullable=False, unique=True),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
    # Whether this is the record that a person's id answers, or a further one of the same person.
    sa.Column("is_further", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("is_closed", sa.Boolean, nullable=False, server_default=sa.false()),
    # No secondary use of this record (GDPR Article 18).
    sa.Column("is_restricted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index(None, "index_version"),
)

# Small rows, so that a rotation of the key-encryption key rewrites little.  A link of version 0.1.0
# has none: its data key is in its seal.
link_key = sa.Table(
    "link_key",
    metadata,
    sa.Column("link_id", sa.Uuid, primary_key=True),
    sa.Column("kek_version", sa.Integer, nullable=False),
    sa.Column("wrapped", BYTEA, nullable=False),
    sa.Index(None, "kek_version"),
)

pool_slot = sa.Table(
    "pool_slot",
    metadata,
    sa.Column("slot_id", sa.Uuid, primary_key=True),
    sa.Column("slot_index", BYTEA, nullable=False, unique=True),
    sa.Column("sealed", BYTEA, nullable=False),
    # NULL in a slot of version 0.1.0, as above.
    sa.Column("index_version", sa.Integer),
    sa.Column("kek_version", sa.Integer),
    sa.Column("wrapped", BYTEA),
)

# A person whose demographic record was merged into another's; the links of both stay as they are.
person_merge = sa.Table(
    "person_merge",
    metadata,
    sa.Column("merge_id", sa.Uuid, primary_key=True),
    sa.Column("index_version", sa.Integer, nullable=False),
    sa.Column("merged_index", BYTEA, nullable=False, unique=True),
    sa.Column("survivor_index", BYTEA, nullable=False, index=True),
    sa.Column("kek_version", sa.Integer, nullable=False),
    sa.Column("wrapped", BYTEA, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
)

# What a second person decides on: two EHRs of one person, and the move of an EHR.
link_task = sa.Table(
    "link_task",
    metadata,
    sa.Column("task_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("kek_version", sa.Integer, nullable=False),
    sa.Column("wrapped", BYTEA, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
)

# What is left of an erased link: a signed statement without an id of anybody.
tombstone = sa.Table(
    "tombstone",
    metadata,
    sa.Column("tombstone_id", sa.Uuid, primary_key=True),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("statement", BYTEA, nullable=False),
    sa.Column("signature", BYTEA, nullable=False),
)

# How many uses of a key were reserved, and below which version nothing may be written any more.
key_use = sa.Table(
    "key_use",
    metadata,
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("reserved", sa.BigInteger, nullable=False),
)
key_fence = sa.Table(
    "key_fence",
    metadata,
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)
