"""People: sign-in, care, grants, approvals, broken glass, usage, canaries and alerts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_grant",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("given_by", sa.Uuid(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("subjects_left", sa.Integer(), nullable=False),
        sa.Column("revoked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("subjects_left >= 0", name=op.f("ck_access_grant_subjects")),
        sa.CheckConstraint("uses_left >= 0", name=op.f("ck_access_grant_uses")),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_access_grant")),
    )
    op.create_index(
        op.f("ix_access_grant_user_id_action"), "access_grant", ["user_id", "action"], unique=False
    )
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alert")),
    )
    op.create_table(
        "approval",
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("request_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_approval")),
    )
    op.create_table(
        "break_glass",
        sa.Column("break_glass_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("mark", postgresql.BYTEA(), nullable=False),
        sa.Column("sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("review_due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("break_glass_id", name=op.f("pk_break_glass")),
    )
    op.create_index(op.f("ix_break_glass_user_id"), "break_glass", ["user_id"], unique=False)
    op.create_table(
        "canary",
        sa.Column("mark", postgresql.BYTEA(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_canary")),
    )
    op.create_table(
        "care",
        sa.Column("mark", postgresql.BYTEA(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("record_mark", postgresql.BYTEA(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_care")),
        sa.UniqueConstraint("record_mark", name=op.f("uq_care_record_mark")),
    )
    op.create_table(
        "grant_subject",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("mark", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", "mark", name=op.f("pk_grant_subject")),
    )
    op.create_table(
        "sign_in",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("factor", postgresql.BYTEA(), nullable=True),
        sa.Column("factor_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invitation", postgresql.BYTEA(), nullable=True),
        sa.Column("invited_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_sign_in")),
    )
    op.create_table(
        "spent_token",
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_spent_token")),
    )
    op.create_table(
        "suspension",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("principal", name=op.f("pk_suspension")),
    )
    op.create_table(
        "usage",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("minute_calls", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "day", name=op.f("pk_usage")),
    )
    op.create_table(
        "usage_subject",
        sa.Column("mark", postgresql.BYTEA(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_usage_subject")),
    )
    op.create_table(
        "user_session",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_user_session")),
    )
    op.add_column("app_user", sa.Column("staff_id", sa.Text()))
    op.execute("UPDATE app_user SET staff_id = user_id::text")
    op.alter_column("app_user", "staff_id", nullable=False)
    op.add_column("app_user", sa.Column("manager_id", sa.Text(), nullable=True))
    op.add_column("app_user", sa.Column("login", sa.Text(), nullable=True))
    op.add_column("app_user", sa.Column("outside_id", sa.Text(), nullable=True))
    op.create_unique_constraint(op.f("uq_app_user_login"), "app_user", ["login"])
    op.create_unique_constraint(op.f("uq_app_user_outside_id"), "app_user", ["outside_id"])


def downgrade() -> None:
    op.drop_table("user_session")
    op.drop_table("usage_subject")
    op.drop_table("usage")
    op.drop_table("suspension")
    op.drop_table("spent_token")
    op.drop_table("sign_in")
    op.drop_table("grant_subject")
    op.drop_table("care")
    op.drop_table("canary")
    op.drop_table("break_glass")
    op.drop_table("approval")
    op.drop_table("alert")
    op.drop_table("access_grant")
    op.drop_column("app_user", "outside_id")
    op.drop_column("app_user", "login")
    op.drop_column("app_user", "manager_id")
    op.drop_column("app_user", "staff_id")
