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
from linkage_vault.screen_tables import own_words, rescreen, screened
from linkage_vault.trail_tables import trail_head, trail_leaf, trail_node, trail_personal

__all__ = [
    "api_key",
    "app_user",
    "consent",
    "link",
    "metadata",
    "objection",
    "opt_out",
    "opt_out_snapshot",
    "own_words",
    "pool_slot",
    "project",
    "project_history",
    "project_key",
    "recipient",
    "rescreen",
    "screened",
    "trail_head",
    "trail_leaf",
    "trail_node",
    "trail_personal",
]

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
