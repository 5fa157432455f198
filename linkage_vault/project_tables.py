"""Projects, their keys and the registers that are applied to their cohorts.

A definition names no person who has a record; members are staff.  Registers hold marks: keyed
hashes of a person's id that stand in one register only.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from linkage_vault.metadata import metadata

project = sa.Table(
    "project",
    metadata,
    sa.Column("project_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("policy_id", sa.Uuid, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("definition", BYTEA, nullable=False),
    sa.Column("proposed_by", sa.Uuid, nullable=False),
    sa.Column("approved_by", sa.Uuid),
    sa.Column("closed_by", sa.Uuid),
)

# Every version, the latest too; only ever added to.
project_history = sa.Table(
    "project_history",
    metadata,
    sa.Column("project_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("policy_id", sa.Uuid, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("definition", BYTEA, nullable=False),
    sa.Column("changed_by", sa.Uuid, nullable=False),
    sa.Column("month", sa.Date, nullable=False),
)

project_key = sa.Table(
    "project_key",
    metadata,
    sa.Column("project_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("sealed", BYTEA, nullable=False),
)

# An organisation that gets pseudonyms, and the domain that keeps them apart from others'.
recipient = sa.Table(
    "recipient",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("domain", sa.Uuid, nullable=False, unique=True),
)

# One reading of the national list of opt-outs; all persons that it was asked about.
opt_out_snapshot = sa.Table(
    "opt_out_snapshot",
    metadata,
    sa.Column("snapshot_id", sa.Uuid, primary_key=True),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("persons", sa.Integer, nullable=False),
    sa.Column("is_current", sa.Boolean, nullable=False),
)

opt_out = sa.Table(
    "opt_out",
    metadata,
    sa.Column("snapshot_id", sa.Uuid, primary_key=True),
    sa.Column("mark", BYTEA, primary_key=True),
    sa.Column("opted_out", sa.Boolean, nullable=False),
)

objection = sa.Table(
    "objection",
    metadata,
    # Of a person, in one project or in all.
    sa.Column("mark", BYTEA, primary_key=True),
)

consent = sa.Table(
    "consent",
    metadata,
    # Of a person, in one project.
    sa.Column("mark", BYTEA, primary_key=True),
    # From which day, and until which.
    sa.Column("sealed", BYTEA, nullable=False),
)
