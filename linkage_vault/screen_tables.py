"""Own identifiers as tokens, and which records wait to be screened again."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from linkage_vault.metadata import metadata

own_words = sa.Table(
    "own_words",
    metadata,
    sa.Column("words_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("person_index", BYTEA, nullable=False, unique=True),
    # 512 tokens, whoever it is: those that a person lacks are random.
    sa.Column("sealed", BYTEA, nullable=False),
)

# Records that were screened at least once: only those may be named to the clinical service, which
# is never told when a record is handed out.
screened = sa.Table(
    "screened",
    metadata,
    sa.Column("screened_index", BYTEA, primary_key=True),
)

rescreen = sa.Table(
    "rescreen",
    metadata,
    sa.Column("slot_id", sa.Uuid, primary_key=True),
    sa.Column("screened_index", BYTEA, nullable=False, unique=True),
    sa.Column("sealed", BYTEA, nullable=False),
)

# How many tokens were asked of a record today; marks are of one day.
screen_guess = sa.Table(
    "screen_guess",
    metadata,
    sa.Column("mark", BYTEA, primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
)
