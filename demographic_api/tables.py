"""The demographic database: persons, versions, and the columns that searches compare.

Times are months and every key is random: an exact time or a count that another database shares
would join the two.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from demographic_api import nhs_number
from moiety.kit import accesses, credentials
from moiety.kit.database import NAMING

metadata = sa.MetaData(naming_convention=NAMING)

api_key = credentials.table(metadata)
access_log = accesses.table(metadata)

# Prefixes are compared octet by octet, which an index in the "C" collation answers.
_WORD = sa.Text(collation="C")

person = sa.Table(
    "person",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    # As FHIR writes it: a year, a month or a day.
    sa.Column("birth_date", _WORD),
    # zstd of the Patient as JSON
    sa.Column("document", BYTEA, nullable=False),
    sa.Index(None, "birth_date"),
)

# Every version, the latest too; only ever added to.
person_history = sa.Table(
    "person_history",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("month", sa.Date, nullable=False),
    sa.Column("document", BYTEA, nullable=False),
)

# A person whose record was merged into another's, with the document from before.
person_merge = sa.Table(
    "person_merge",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("survivor_id", sa.Uuid, nullable=False, index=True),
    sa.Column("snapshot", BYTEA, nullable=False),
)

identifier = sa.Table(
    "identifier",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("value", _WORD, nullable=False),
    sa.Column("is_current", sa.Boolean, nullable=False),
    sa.Index(None, "value", "system"),
)

# One living NHS number, one person; superseded numbers stay findable and may repeat.
nhs_number_once = sa.Index(
    "uq_identifier_nhs_number",
    identifier.c.value,
    unique=True,
    postgresql_where=sa.text(f"system = '{nhs_number.SYSTEM}' AND is_current"),
)

# Whom the vault must be told of; the ticket is random, so that persons wait in no order.
words_due = sa.Table(
    "words_due",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("ticket", sa.BigInteger, nullable=False),
)

# Merges, and merges taken back, that the vault must be told of, in their order.  Places begin anew
# when nothing waits: they count no merges.
merge_due = sa.Table(
    "merge_due",
    metadata,
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("survivor_id", sa.Uuid, nullable=False),
    sa.Column("is_undone", sa.Boolean, nullable=False),
)

person_name = sa.Table(
    "person_name",
    metadata,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("word", _WORD, nullable=False),
    sa.Index(None, "word", "kind"),
)
