"""The trail's tables: they grow and never change; the app role may insert and select, no more.

The one exception is `trail_personal`, which stands outside the tree: its rows may go.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from linkage_vault.metadata import metadata

trail_leaf = sa.Table(
    "trail_leaf",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("entry", BYTEA, nullable=False),
    # Of the personal values, salted, 32 octets a subject; entries of 0.1.0 have none and hold the
    # values themselves.
    sa.Column("commitment", BYTEA),
    sa.Column("leaf_hash", BYTEA, nullable=False),
)

trail_personal = sa.Table(
    "trail_personal",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    # One of 64 heaps, by a keyed hash of the subject: a search opens a sixty-fourth of the trail.
    # An entry about many has a row for each heap that they lie in.
    sa.Column("bucket", sa.SmallInteger, primary_key=True, autoincrement=False),
    # For the vault: whom the entry is about.
    sa.Column("subject", BYTEA, nullable=False),
    # For the auditor: the same with the reason and the salt of the commitment.
    sa.Column("disclosed", BYTEA, nullable=False),
    sa.Index("ix_trail_personal_bucket", "bucket", "position"),
)

# Roots of complete subtrees of eight leaves and more, so that a proof reads a few rows and not the
# trail.
trail_node = sa.Table(
    "trail_node",
    metadata,
    sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", BYTEA, nullable=False),
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
