"""The clinical database.  Nothing here names, or leads to, a person.

Leaf tables, one for each archetype group, stand in the schema `leaf`; they grow with the templates
through `leaf.extend` and are not described here.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from moiety.change_control import tables as change_control
from moiety.change_control.statements import BY_DEFAULT, Owner
from moiety.kit import accesses, credentials
from moiety.kit.database import NAMING
from moiety.openehr.leaves import ROWS_VERSION

metadata = sa.MetaData(naming_convention=NAMING)

api_key = credentials.table(metadata)
access_log = accesses.table(metadata)

ehr = sa.Table(
    "ehr",
    metadata,
    sa.Column("ehr_id", sa.Uuid, primary_key=True),
    sa.Column("system_id", sa.Text, nullable=False),
    sa.Column("time_created", sa.DateTime(timezone=True), nullable=False),
    # An EHR that no record was written to yet: it waits in the vault's pool, and no query sees it.
    sa.Column("pooled", sa.Boolean, nullable=False),
    # What the latest EHR_STATUS says of the whole EHR.
    sa.Column("modifiable", sa.Boolean, nullable=False),
    sa.Column("queryable", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("subject_namespace", sa.Text),
    sa.Column("subject_id", sa.Uuid),
    # A subject's id that is no UUID: only where the deployment takes such ids as pseudonyms.
    sa.Column("opaque_subject", sa.Text),
    sa.UniqueConstraint("subject_namespace", "subject_id"),
    sa.UniqueConstraint("subject_namespace", "opaque_subject"),
    # The few that keep out of population queries.
    sa.Index("ix_ehr_hidden", "ehr_id", postgresql_where=sa.text("NOT queryable")),
)

OWNER = Owner(table="ehr", key="ehr_id", condition="modifiable", pooled="pooled")
"""An EHR under which compositions and folders are written."""
STATUS_OWNER = Owner(
    table="ehr",
    key="ehr_id",
    # The status alone can be written whatever it says itself (RM, EHR_STATUS.is_modifiable).
    condition="true",
    pooled="pooled",
    follows=(
        ("modifiable", "bool"),
        ("queryable", "bool"),
        ("subject_namespace", "text"),
        ("subject_id", "uuid"),
        ("opaque_subject", "text"),
    ),
)

contribution = change_control.contributions(metadata, owner="ehr_id")
commit_log = change_control.attempts(metadata, owner="ehr_id")


class Xid8(sa.types.UserDefinedType[int]):
    """PostgreSQL's transaction number, 64 bits wide; text on its way to and from here."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The type's name."""
        return "xid8"


def _stamped(table: sa.Table, key: str) -> None:
    """When a row became visible: filled by the database itself, never by a statement.

    `era` is one life of the database in one cluster, `xact` the transaction in it; the migrations
    tell more.  Readers who follow this order miss nothing that commits late.
    """
    era = sa.Column("era", sa.Integer, nullable=False, server_default="1", info=BY_DEFAULT)
    xact = sa.Column(
        "xact", Xid8, nullable=False, server_default=sa.text("pg_current_xact_id()"),
        info=BY_DEFAULT,
    )  # fmt: skip
    table.append_column(era)
    table.append_column(xact)
    order = (table.c.era, table.c.xact, table.c.time_committed, table.c[key])
    sa.Index(f"ix_{table.name}_events", *order)


_stamped(contribution, "contribution_id")
erasure = sa.Table(
    "erasure",
    metadata,
    # What was deleted for good: an EHR, or without it one of its objects.
    sa.Column("ehr_id", sa.Uuid, primary_key=True),
    sa.Column("erasure_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("object_id", sa.Uuid),
    sa.Column("time_committed", sa.DateTime(timezone=True), nullable=False),
)
_stamped(erasure, "erasure_id")
event_era = sa.Table(
    "event_era",
    metadata,
    sa.Column("era", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("lineage", sa.Uuid, nullable=False),
    sa.Column("system_identifier", sa.BigInteger, nullable=False),
    sa.Column("timeline", sa.Integer, nullable=False),
)
webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("webhook_id", sa.Uuid, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    # Only events of this EHR, if any is named.
    sa.Column("ehr_id", sa.Uuid),
    sa.Column("state", sa.Text, nullable=False),
    # The number of its signing secret, and when the one before gave way to it.
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("rotated", sa.DateTime(timezone=True)),
    # The place in the events up to which deliveries were made out.
    sa.Column("passed_era", sa.Integer, nullable=False),
    sa.Column("passed_xact", Xid8, nullable=False),
    sa.Column("passed_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("passed_id", sa.Uuid, nullable=False),
)
webhook_delivery = sa.Table(
    "webhook_delivery",
    metadata,
    sa.Column("webhook_id", sa.Uuid, primary_key=True),
    sa.Column("event_id", sa.Uuid, primary_key=True),
    sa.Column("ehr_id", sa.Uuid, nullable=False),
    # Order among the deliveries of one webhook.
    sa.Column("number", sa.BigInteger, nullable=False),
    # waiting or dead; what was delivered is not kept
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("first_try", sa.DateTime(timezone=True)),
    sa.Column("next_try", sa.DateTime(timezone=True), nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Index(None, "webhook_id", "state", "number"),
)
folder_template = sa.Table(
    "folder_template",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    # zstd canonical JSON of a FOLDER without ids
    sa.Column("folder", BYTEA, nullable=False),
)
sa.Index("ix_ehr_pooled", ehr.c.ehr_id, postgresql_where=ehr.c.pooled)

version_detail = change_control.details(metadata, owner="ehr_id")
attestation = change_control.attestations(metadata, owner="ehr_id")
composition = change_control.versioned(
    metadata,
    "composition",
    contribution,
    commit_log,
    owner="ehr_id",
    more=("template_key", "rows_version", "residue", "groups"),
)
ehr_status = change_control.versioned(
    metadata, "ehr_status", contribution, commit_log, owner="ehr_id", more=()
)
folder = change_control.versioned(
    metadata, "folder", contribution, commit_log, owner="ehr_id", more=()
)
# An EHR has one directory at a time.
sa.Index(None, folder.head.c.ehr_id, unique=True)
KINDS = {"COMPOSITION": composition, "EHR_STATUS": ehr_status, "FOLDER": folder}
"""What is kept under change control here, by the model's name."""
sa.Index(None, composition.head.c.template_key, composition.head.c.ehr_id)
sa.Index(None, composition.history.c.template_key)
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
    # Counts the compatible changes; this row is the revision in force.
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    # Whether new compositions may be written with it.
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
)

template_superseded = sa.Table(
    "template_superseded",
    metadata,
    # The revisions before: compositions written with them are read and queried by them.
    sa.Column("template_key", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("template_id", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("time_created", sa.DateTime(timezone=True), nullable=False),
    sa.Column("operational_template", BYTEA, nullable=False),
    sa.UniqueConstraint("template_id", "revision"),
)

template_adl2 = sa.Table(
    "template_adl2",
    metadata,
    # The id with its version: openEHR-EHR-COMPOSITION.t_report.v1.0.2
    sa.Column("template_id", sa.Text, primary_key=True),
    sa.Column("concept", sa.Text, nullable=False),
    sa.Column("archetype_id", sa.Text, nullable=False),
    sa.Column("time_created", sa.DateTime(timezone=True), nullable=False),
    # zstd of the text as it was uploaded
    sa.Column("operational_template", BYTEA, nullable=False),
)

stored_query = sa.Table(
    "stored_query",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("major", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("minor", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("patch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("time_saved", sa.DateTime(timezone=True), nullable=False),
    sa.Column("q", sa.Text, nullable=False),
)

item_tag = sa.Table(
    "item_tag",
    metadata,
    sa.Column("ehr_id", sa.Uuid, primary_key=True),
    sa.Column("tag_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("object_id", sa.Uuid, nullable=False),
    # The version that is tagged; 0 for the object as a whole.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("value", sa.Text),
    sa.Column("target_path", sa.Text, nullable=False),
    # Boxes of the words that were sealed out of key and value, and which of the tags that were
    # sent together this is.
    sa.Column("sealed", JSONB(none_as_null=True)),
    sa.UniqueConstraint("ehr_id", "object_id", "version", "key", "target_path"),
)

hot_index = sa.Table(
    "hot_index",
    metadata,
    # A path that an operator has declared to be asked often, and the columns where it stands.
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("column_name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
)

registry = sa.Table(
    "registry",
    metadata,
    # One row; a process whose copy has another version reads the templates again.
    sa.Column("version", sa.Uuid, primary_key=True),
)

# Words that were sealed out of a version: a box, base64, that the vault alone can open.
sealed_words = sa.Table(
    "sealed_words",
    metadata,
    sa.Column("ehr_id", sa.Uuid, primary_key=True),
    sa.Column("row_key", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("seal_id", sa.Text, nullable=False),
    sa.Column("box", sa.Text, nullable=False),
)

# The same of what is said beside documents: `place` is a contribution's id, or object id and
# number of a version for its audit, and longer for its original and its attestations.
audit_words = sa.Table(
    "audit_words",
    metadata,
    sa.Column("ehr_id", sa.Uuid, primary_key=True),
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("seal_id", sa.Text, nullable=False),
    sa.Column("box", sa.Text, nullable=False),
)

# Versions that were committed while the vault was away: they are screened later.
screen_later = sa.Table(
    "screen_later",
    metadata,
    sa.Column("ehr_id", sa.Uuid, primary_key=True),
    sa.Column("row_key", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
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
