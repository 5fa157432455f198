"""The first tables of the vault."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("expires", sa.Date(), nullable=False),
        sa.Column("revoked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_key")),
    )
    op.create_table(
        "app_user",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_app_user")),
    )
    op.create_table(
        "link",
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("index_version", sa.Integer(), nullable=False),
        sa.Column("person_index", postgresql.BYTEA(), nullable=False),
        sa.Column("ehr_index", postgresql.BYTEA(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link")),
        sa.UniqueConstraint("ehr_index", name=op.f("uq_link_ehr_index")),
        sa.UniqueConstraint("person_index", name=op.f("uq_link_person_index")),
    )
    op.create_table(
        "pool_slot",
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("slot_index", postgresql.BYTEA(), nullable=False),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("slot_id", name=op.f("pk_pool_slot")),
        sa.UniqueConstraint("slot_index", name=op.f("uq_pool_slot_slot_index")),
    )
    op.create_table(
        "trail_head",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", postgresql.BYTEA(), nullable=False),
        sa.Column("peaks", postgresql.BYTEA(), nullable=False),
        sa.Column("signature", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_trail_head")),
    )
    op.create_table(
        "trail_leaf",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("entry", postgresql.BYTEA(), nullable=False),
        sa.Column("leaf_hash", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_trail_leaf")),
    )


def downgrade() -> None:
    op.drop_table("trail_leaf")
    op.drop_table("trail_head")
    op.drop_table("pool_slot")
    op.drop_table("link")
    op.drop_table("app_user")
    op.drop_table("api_key")
