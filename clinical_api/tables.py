"""The clinical database.  Nothing here names, or leads to, a person.

Leaf tables, one for each archetype group, stand in the schema `leaf`; they grow with the templates
through `leaf.extend` and are not described here.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from moiety.change_control import tables as change_control
from moiety.change_control.statements import Owner
from moiety.kit import credentials
from moiety.kit.database import NAMING
from moiety.openehr.leaves import ROWS_VERSION

metadata = sa.MetaData(naming_convention=NAMING)

api_key = credentials.table(metadata)

ehr = sa.Table(
    "ehr",
    metadata,
    sa.Column("ehr_id", sa.Uuid, primary_key=True),
    sa.Column("system_id", sa.Text, nullable=False),
    sa.Column("time_created", sa.DateTime(timezone=True), nullable=False),
    # An EHR that no record was written to yet: it waits in the vault's pool, and no query sees it.
    sa.Column("pooled", sa.Boolean, nullable=False),
    sa.Column("modifiable", sa.Boolean, nullable=False),
    sa.Column("subject_namespace", sa.Text),
    sa.Column("subject_id", sa.Uuid),
    sa.UniqueConstraint("subject_namespace", "subject_id"),
)

OWNER = Owner(table="ehr", key="ehr_id", condition="modifiable", pooled="pooled")

contribution = change_control.contributions(metadata, owner="ehr_id")
composition = change_control.versioned(
    metadata,
    "composition",
    contribution,
    owner="ehr_id",
    more=("template_key", "rows_version", "residue", "groups"),
)
ehr_status = change_control.versioned(metadata, "ehr_status", contribution, owner="ehr_id", more=())
sa.Index(None, composition.head.c.template_key, composition.head.c.ehr_id)
# The heads whose rows do not tell all: usually few, and every query asks for them.
sa.Index(
    "ix_composition_untold",
    composition.head.c.ehr_id,
    postgresql_where=(composition.head.c.rows_version != ROWS_VERSION)
    | (composition.head.c.residue != 0),
)

template = sa.Table(
    "template",
    metadata,
    sa.Column("template_key", sa.Integer, primary_key=True),
    sa.Column("template_id", sa.Text, nullable=False, unique=True),
    sa.Column("concept", sa.Text, nullable=False),
    sa.Column("archetype_id", sa.Text, nullable=False),
    sa.Column("time_created", sa.DateTime(timezone=True), nullable=False),
    # zstd of the XML as it was uploaded
    sa.Column("operational_template", BYTEA, nullable=False),
)

registry = sa.Table(
    "registry",
    metadata,
    # One row; a process whose copy has another version reads the templates again.
    sa.Column("version", sa.Uuid, primary_key=True),
)

screen_finding = sa.Table(
    "screen_finding",
    metadata,
    sa.Column("ehr_id", sa.Uuid, primary_key=True),
    sa.Column("row_key", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    # offsets of the words in the text at `path`, never the words
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("length", sa.Integer, nullable=False),
)
