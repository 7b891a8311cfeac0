"""the house

Revision: 0001, after .
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("login", name=op.f("uq_accounts_login")),
    )
    op.create_table(
        "business_clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("machine_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("speed", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_business_clock")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_expires_at"), "idempotency_keys", ["expires_at"], unique=False)
    op.create_table(
        "number_sends",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_number_sends")),
    )
    op.create_index("ix_number_sends_number", "number_sends", ["number_index", "at"], unique=False)
    op.create_table(
        "numbers",
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("wrong_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wrong_reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("number_index", name=op.f("pk_numbers")),
    )
    op.create_table(
        "opt_outs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_outs")),
    )
    op.create_index(
        "ix_opt_outs_standing",
        "opt_outs",
        ["number_index", "channel", "scope"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "scheduled_jobs",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_scheduled_jobs")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_failures")),
    )
    op.create_table(
        "stores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("rescue_phone", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("weekly_hours", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("policies", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_import_done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
        sa.UniqueConstraint("code", name=op.f("uq_stores_code")),
    )
    op.create_table(
        "account_stores",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_account_stores_account_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_account_stores_store_id")),
        sa.PrimaryKeyConstraint("account_id", "store_id", name=op.f("pk_account_stores")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_api_keys_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_index(op.f("ix_api_keys_store_id"), "api_keys", ["store_id"], unique=False)
    op.create_table(
        "audit_log",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("object_kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_audit_log_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["store_id", "at"], unique=False)
    op.create_index("ix_audit_log_object", "audit_log", ["store_id", "object_id"], unique=False)
    op.create_table(
        "hook_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_hook_tokens_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_tokens")),
        sa.UniqueConstraint("token_index", name=op.f("uq_hook_tokens_token_index")),
    )
    op.create_table(
        "imports",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("created_count", sa.Integer(), nullable=False),
        sa.Column("updated_count", sa.Integer(), nullable=False),
        sa.Column("unchanged_count", sa.Integer(), nullable=False),
        sa.Column("rejected_count", sa.Integer(), nullable=False),
        sa.Column("warning_count", sa.Integer(), nullable=False),
        sa.Column("planned_count", sa.Integer(), nullable=False),
        sa.Column("expired_count", sa.Integer(), nullable=False),
        sa.Column("skipped_past_count", sa.Integer(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=True),
        sa.Column("unknown_columns", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("staff_created", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_imports_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_created", "imports", ["store_id", "created_at"], unique=False)
    op.create_table(
        "message_templates",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("html", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_message_templates_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_message_templates")),
        sa.UniqueConstraint(
            "store_id", "key", "channel", "language", name=op.f("uq_message_templates_store_id_key_channel_language")
        ),
    )
    op.create_table(
        "programmes",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("policy", sa.String(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_programmes_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_programmes")),
        sa.UniqueConstraint("store_id", "key", "version", name=op.f("uq_programmes_store_id_key_version")),
    )
    op.create_index(
        "ix_programmes_current",
        "programmes",
        ["store_id", "key"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_table(
        "public_tokens",
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_public_tokens_store_id")),
        sa.PrimaryKeyConstraint("token_index", name=op.f("pk_public_tokens")),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_refresh_tokens_account_id")),
        sa.PrimaryKeyConstraint("token_index", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_account_id"), "refresh_tokens", ["account_id"], unique=False)
    op.create_table(
        "staff",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_staff_account_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_staff_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_staff")),
        sa.UniqueConstraint("store_id", "name", "ordinal", name=op.f("uq_staff_store_id_name_ordinal")),
    )
    op.create_table(
        "store_days",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("ranges", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_store_days_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_store_days")),
        sa.UniqueConstraint("store_id", "day", name=op.f("uq_store_days_store_id_day")),
    )
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hook_token_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["hook_token_id"], ["hook_tokens.id"], name=op.f("fk_callbacks_hook_token_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index(
        "ix_callbacks_open", "callbacks", ["received_at"], unique=False, postgresql_where=sa.text("handled_at IS NULL")
    )
    op.create_table(
        "customers",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_code", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("initials", sa.String(), nullable=False),
        sa.Column("gender", sa.String(), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("lifecycle", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("preferred_channel", sa.String(), nullable=True),
        sa.Column("calling_hours", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("service_preferences", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("flags", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("deceased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "holder_id"], ["staff.store_id", "staff.id"], name=op.f("fk_customers_store_id_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "merged_into"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_customers_store_id_merged_into"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_customers_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_customers")),
        sa.UniqueConstraint("store_id", "external_code", name=op.f("uq_customers_store_id_external_code")),
    )
    op.create_index("ix_customers_initials", "customers", ["store_id", "initials"], unique=False)
    op.create_index("ix_customers_name", "customers", ["store_id", "name"], unique=False)
    op.create_index(
        "ix_customers_name_trgm",
        "customers",
        ["name"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.create_table(
        "import_files",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "import_id"],
            ["imports.store_id", "imports.id"],
            name=op.f("fk_import_files_store_id_import_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_import_files_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_import_files")),
    )
    op.create_index("ix_import_files_seq", "import_files", ["store_id", "import_id", "seq"], unique=True)
    op.create_table(
        "import_problems",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("column_name", sa.String(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("row", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "import_id"],
            ["imports.store_id", "imports.id"],
            name=op.f("fk_import_problems_store_id_import_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_import_problems_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_import_problems")),
    )
    op.create_index("ix_import_problems_line", "import_problems", ["store_id", "import_id", "severity", "line"], unique=False)
    op.create_table(
        "staff_absences",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("delegate_id", sa.Uuid(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "delegate_id"],
            ["staff.store_id", "staff.id"],
            name=op.f("fk_staff_absences_store_id_delegate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "staff_id"], ["staff.store_id", "staff.id"], name=op.f("fk_staff_absences_store_id_staff_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_staff_absences_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_staff_absences")),
    )
    op.create_table(
        "consents",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("notice_version", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("proof", sa.String(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_consents_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_consents_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_customer", "consents", ["store_id", "customer_id"], unique=False)
    op.create_index(
        "ix_consents_standing",
        "consents",
        ["store_id", "customer_id", "purpose", "channel"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "contact_points",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(), nullable=False),
        sa.Column("last4_index", sa.LargeBinary(), nullable=True),
        sa.Column("textable", sa.Boolean(), nullable=False),
        sa.Column("wrong_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wrong_reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_contact_points_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_contact_points_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_contact_points")),
        sa.UniqueConstraint(
            "store_id",
            "customer_id",
            "kind",
            "value_index",
            name=op.f("uq_contact_points_store_id_customer_id_kind_value_index"),
        ),
    )
    op.create_index("ix_contact_points_last4", "contact_points", ["store_id", "last4_index"], unique=False)
    op.create_index("ix_contact_points_value_index", "contact_points", ["value_index"], unique=False)
    op.create_table(
        "leads",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("consultant_id", sa.Uuid(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("first_visit_on", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("level", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("lost_reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "consultant_id"], ["staff.store_id", "staff.id"], name=op.f("fk_leads_store_id_consultant_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_leads_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_leads_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_leads")),
        sa.UniqueConstraint(
            "store_id",
            "customer_id",
            "model",
            "first_visit_on",
            name=op.f("uq_leads_store_id_customer_id_model_first_visit_on"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "vehicles",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("plate", sa.String(), nullable=True),
        sa.Column("vin", sa.String(), nullable=True),
        sa.Column("engine_number", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("colour", sa.String(), nullable=True),
        sa.Column("purchased_on", sa.Date(), nullable=True),
        sa.Column("interval_months", sa.Integer(), nullable=True),
        sa.Column("interval_km", sa.Integer(), nullable=True),
        sa.Column("last_maintenance_on", sa.Date(), nullable=True),
        sa.Column("last_maintenance_km", sa.Integer(), nullable=True),
        sa.Column("next_maintenance_on", sa.Date(), nullable=True),
        sa.Column("excluded", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_vehicles_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_vehicles_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_vehicles")),
    )
    op.create_index("ix_vehicles_customer", "vehicles", ["store_id", "customer_id"], unique=False)
    op.create_index(
        "ix_vehicles_maintenance",
        "vehicles",
        ["store_id", "next_maintenance_on"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_vehicles_plate", "vehicles", ["store_id", "plate"], unique=False)
    op.create_index(
        "ix_vehicles_vin",
        "vehicles",
        ["store_id", "vin"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL AND vin IS NOT NULL"),
    )
    op.create_table(
        "insurance_policies",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("insurer", sa.String(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_insurance_policies_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "vehicle_id"],
            ["vehicles.store_id", "vehicles.id"],
            name=op.f("fk_insurance_policies_store_id_vehicle_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_insurance_policies_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_insurance_policies")),
        sa.UniqueConstraint(
            "store_id", "vehicle_id", "expires_on", name=op.f("uq_insurance_policies_store_id_vehicle_id_expires_on")
        ),
    )
    op.create_table(
        "mileage_readings",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("read_on", sa.Date(), nullable=False),
        sa.Column("km", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "vehicle_id"],
            ["vehicles.store_id", "vehicles.id"],
            name=op.f("fk_mileage_readings_store_id_vehicle_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_mileage_readings_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_mileage_readings")),
        sa.UniqueConstraint("store_id", "vehicle_id", "read_on", name=op.f("uq_mileage_readings_store_id_vehicle_id_read_on")),
    )
    op.create_table(
        "sales",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("external_code", sa.String(), nullable=True),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("consultant_id", sa.Uuid(), nullable=True),
        sa.Column("insured", sa.Boolean(), nullable=True),
        sa.Column("plated", sa.Boolean(), nullable=True),
        sa.Column("card_handed_on", sa.Date(), nullable=True),
        sa.Column("price_fen", sa.Integer(), nullable=True),
        sa.Column("excluded", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "consultant_id"], ["staff.store_id", "staff.id"], name=op.f("fk_sales_store_id_consultant_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_sales_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "vehicle_id"], ["vehicles.store_id", "vehicles.id"], name=op.f("fk_sales_store_id_vehicle_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_sales_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_sales")),
        sa.UniqueConstraint("store_id", "vehicle_id", "delivered_on", name=op.f("uq_sales_store_id_vehicle_id_delivered_on")),
    )
    op.create_index("ix_sales_customer", "sales", ["store_id", "customer_id"], unique=False)
    op.create_index("ix_sales_delivered", "sales", ["store_id", "delivered_on"], unique=False)
    op.create_table(
        "visits",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=True),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("programme_version", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("purposes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("message_template", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_reason", sa.String(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("follows_visit_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trigger_type", sa.String(), nullable=False),
        sa.Column("trigger_id", sa.Uuid(), nullable=False),
        sa.Column("trigger_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("callee_name", sa.String(), nullable=True),
        sa.Column("callee_phone", sa.LargeBinary(), nullable=True),
        sa.Column("callee_phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("on_missed", sa.String(), nullable=False),
        sa.Column("next_step", sa.String(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_reason", sa.String(), nullable=True),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_seq", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("satisfaction", sa.Integer(), nullable=True),
        sa.Column("problem_type", sa.String(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'due', 'trying', 'completed', 'incomplete', 'unreachable', 'invalid', 'declined', 'cancelled', 'missed', 'expired')",
            name=op.f("ck_visits_state"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "assignee_id"], ["staff.store_id", "staff.id"], name=op.f("fk_visits_store_id_assignee_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_visits_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "follows_visit_id"],
            ["visits.store_id", "visits.id"],
            name=op.f("fk_visits_store_id_follows_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "vehicle_id"], ["vehicles.store_id", "vehicles.id"], name=op.f("fk_visits_store_id_vehicle_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_visits_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_visits")),
        sa.UniqueConstraint(
            "store_id",
            "trigger_id",
            "programme",
            "step",
            "occurrence",
            name=op.f("uq_visits_store_id_trigger_id_programme_step_occurrence"),
        ),
    )
    op.create_index("ix_visits_customer", "visits", ["store_id", "customer_id"], unique=False)
    op.create_index("ix_visits_due_on", "visits", ["store_id", "due_on"], unique=False)
    op.create_index(
        "ix_visits_open",
        "visits",
        ["store_id", "assignee_id", "window_start"],
        unique=False,
        postgresql_where=sa.text("state IN ('planned', 'due', 'trying')"),
    )
    op.create_index("ix_visits_vehicle", "visits", ["store_id", "vehicle_id"], unique=False)
    op.create_index(
        "ix_visits_wake",
        "visits",
        ["store_id", "wake_at"],
        unique=False,
        postgresql_where=sa.text("wake_at IS NOT NULL"),
    )
    op.create_table(
        "work_orders",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("advisor_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("items", sa.String(), nullable=True),
        sa.Column("fee_fen", sa.Integer(), nullable=True),
        sa.Column("mileage_km", sa.Integer(), nullable=True),
        sa.Column("contact_name", sa.String(), nullable=True),
        sa.Column("contact_phone", sa.LargeBinary(), nullable=True),
        sa.Column("contact_phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("first_service", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "advisor_id"], ["staff.store_id", "staff.id"], name=op.f("fk_work_orders_store_id_advisor_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_work_orders_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "technician_id"],
            ["staff.store_id", "staff.id"],
            name=op.f("fk_work_orders_store_id_technician_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "vehicle_id"],
            ["vehicles.store_id", "vehicles.id"],
            name=op.f("fk_work_orders_store_id_vehicle_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_work_orders_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_work_orders")),
        sa.UniqueConstraint("store_id", "number", name=op.f("uq_work_orders_store_id_number")),
    )
    op.create_index("ix_work_orders_closed", "work_orders", ["store_id", "closed_at"], unique=False)
    op.create_index("ix_work_orders_customer", "work_orders", ["store_id", "customer_id", "closed_at"], unique=False)
    op.create_index("ix_work_orders_vehicle", "work_orders", ["store_id", "vehicle_id", "closed_at"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("contact_point_id", sa.Uuid(), nullable=True),
        sa.Column("reached_person", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("talk_seconds", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("satisfaction", sa.Integer(), nullable=True),
        sa.Column("problem_type", sa.String(), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("corrections", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "staff_id"], ["staff.store_id", "staff.id"], name=op.f("fk_attempts_store_id_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "visit_id"], ["visits.store_id", "visits.id"], name=op.f("fk_attempts_store_id_visit_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_attempts_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("store_id", "visit_id", "seq", name=op.f("uq_attempts_store_id_visit_id_seq")),
    )
    op.create_table(
        "due_contact_events",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("due_seq", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "visit_id"],
            ["visits.store_id", "visits.id"],
            name=op.f("fk_due_contact_events_store_id_visit_id"),
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_due_contact_events")),
        sa.UniqueConstraint("store_id", "visit_id", "due_seq", name=op.f("uq_due_contact_events_store_id_visit_id_due_seq")),
    )
    op.create_index(
        "ix_due_contact_events_open",
        "due_contact_events",
        ["store_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_table(
        "messages",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("step_no", sa.Integer(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("contact_point_id", sa.Uuid(), nullable=True),
        sa.Column("number_index", sa.LargeBinary(), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("signature", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expire_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unknown_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'held', 'suppressed', 'sending', 'accepted', 'delivered', 'undelivered', 'rejected', 'unknown', 'unknown_final', 'receipt_timeout')",
            name=op.f("ck_messages_state"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_messages_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "visit_id"], ["visits.store_id", "visits.id"], name=op.f("fk_messages_store_id_visit_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_messages_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "store_id", "visit_id", "channel", "step_no", name=op.f("uq_messages_store_id_visit_id_channel_step_no")
        ),
    )
    op.create_index("ix_messages_created", "messages", ["store_id", "created_at", "id"], unique=False)
    op.create_index("ix_messages_customer", "messages", ["store_id", "customer_id", "created_at"], unique=False)
    op.create_index("ix_messages_number", "messages", ["number_index", "created_at"], unique=False)
    op.create_index(
        "ix_messages_sending",
        "messages",
        ["store_id", "lease_until"],
        unique=False,
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "ix_messages_wake",
        "messages",
        ["store_id", "channel", "wake_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'held')"),
    )
    op.create_index(
        "ix_messages_awaited",
        "messages",
        ["store_id", "wake_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('accepted', 'unknown')"),
    )
    op.create_table(
        "replies",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("meaning", sa.String(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_replies_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "visit_id"], ["visits.store_id", "visits.id"], name=op.f("fk_replies_store_id_visit_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_replies_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_replies")),
    )
    op.create_table(
        "surveys",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("questions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("wants_call", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_surveys_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "visit_id"], ["visits.store_id", "visits.id"], name=op.f("fk_surveys_store_id_visit_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_surveys_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_surveys")),
        sa.UniqueConstraint("store_id", "visit_id", name=op.f("uq_surveys_store_id_visit_id")),
    )
    op.create_table(
        "tasks",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "assignee_id"], ["staff.store_id", "staff.id"], name=op.f("fk_tasks_store_id_assignee_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "customer_id"],
            ["customers.store_id", "customers.id"],
            name=op.f("fk_tasks_store_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id", "visit_id"], ["visits.store_id", "visits.id"], name=op.f("fk_tasks_store_id_visit_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_tasks_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_tasks")),
    )
    op.create_index(
        "ix_tasks_once",
        "tasks",
        ["store_id", "kind", "customer_id", "visit_id"],
        unique=True,
        postgresql_where=sa.text("done_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "visit_events",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "visit_id"], ["visits.store_id", "visits.id"], name=op.f("fk_visit_events_store_id_visit_id")
        ),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_visit_events")),
    )
    op.create_index("ix_visit_events_visit", "visit_events", ["store_id", "visit_id", "at"], unique=False)
    op.create_table(
        "visit_signals",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "visit_id"], ["visits.store_id", "visits.id"], name=op.f("fk_visit_signals_store_id_visit_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_visit_signals_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_visit_signals")),
        sa.UniqueConstraint(
            "store_id", "visit_id", "kind", "ref_id", name=op.f("uq_visit_signals_store_id_visit_id_kind_ref_id")
        ),
    )
    op.create_index(
        "ix_visit_signals_open",
        "visit_signals",
        ["store_id", "at"],
        unique=False,
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_table(
        "message_attempts",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("io_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "message_id"],
            ["messages.store_id", "messages.id"],
            name=op.f("fk_message_attempts_store_id_message_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_message_attempts_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_message_attempts")),
        sa.UniqueConstraint("store_id", "message_id", "n", name=op.f("uq_message_attempts_store_id_message_id_n")),
    )
    op.create_index("ix_message_attempts_id", "message_attempts", ["id"], unique=False)
    op.create_table(
        "message_orders",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["store_id", "message_id"],
            ["messages.store_id", "messages.id"],
            name=op.f("fk_message_orders_store_id_message_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_message_orders_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_message_orders")),
    )
    op.create_index(
        "ix_message_orders_open",
        "message_orders",
        ["store_id", "at"],
        unique=False,
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_table(
        "receipts",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["store_id", "message_id"],
            ["messages.store_id", "messages.id"],
            name=op.f("fk_receipts_store_id_message_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_receipts_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("store_id", "message_id", "digest", name=op.f("uq_receipts_store_id_message_id_digest")),
    )


def downgrade() -> None:
    op.drop_table("receipts")
    op.drop_index("ix_message_orders_open", table_name="message_orders", postgresql_where=sa.text("handled_at IS NULL"))
    op.drop_table("message_orders")
    op.drop_index("ix_message_attempts_id", table_name="message_attempts")
    op.drop_table("message_attempts")
    op.drop_index("ix_visit_signals_open", table_name="visit_signals", postgresql_where=sa.text("handled_at IS NULL"))
    op.drop_table("visit_signals")
    op.drop_index("ix_visit_events_visit", table_name="visit_events")
    op.drop_table("visit_events")
    op.drop_index(
        "ix_tasks_once",
        table_name="tasks",
        postgresql_where=sa.text("done_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.drop_table("tasks")
    op.drop_table("surveys")
    op.drop_table("replies")
    op.drop_index("ix_messages_awaited", table_name="messages", postgresql_where=sa.text("state IN ('accepted', 'unknown')"))
    op.drop_index("ix_messages_wake", table_name="messages", postgresql_where=sa.text("state IN ('queued', 'held')"))
    op.drop_index("ix_messages_sending", table_name="messages", postgresql_where=sa.text("state = 'sending'"))
    op.drop_index("ix_messages_number", table_name="messages")
    op.drop_index("ix_messages_customer", table_name="messages")
    op.drop_index("ix_messages_created", table_name="messages")
    op.drop_table("messages")
    op.drop_index("ix_due_contact_events_open", table_name="due_contact_events", postgresql_where=sa.text("handled_at IS NULL"))
    op.drop_table("due_contact_events")
    op.drop_table("attempts")
    op.drop_index("ix_work_orders_vehicle", table_name="work_orders")
    op.drop_index("ix_work_orders_customer", table_name="work_orders")
    op.drop_index("ix_work_orders_closed", table_name="work_orders")
    op.drop_table("work_orders")
    op.drop_index("ix_visits_wake", table_name="visits", postgresql_where=sa.text("wake_at IS NOT NULL"))
    op.drop_index("ix_visits_vehicle", table_name="visits")
    op.drop_index("ix_visits_open", table_name="visits", postgresql_where=sa.text("state IN ('planned', 'due', 'trying')"))
    op.drop_index("ix_visits_due_on", table_name="visits")
    op.drop_index("ix_visits_customer", table_name="visits")
    op.drop_table("visits")
    op.drop_index("ix_sales_delivered", table_name="sales")
    op.drop_index("ix_sales_customer", table_name="sales")
    op.drop_table("sales")
    op.drop_table("mileage_readings")
    op.drop_table("insurance_policies")
    op.drop_index("ix_vehicles_vin", table_name="vehicles", postgresql_where=sa.text("ended_at IS NULL AND vin IS NOT NULL"))
    op.drop_index("ix_vehicles_plate", table_name="vehicles")
    op.drop_index("ix_vehicles_maintenance", table_name="vehicles", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index("ix_vehicles_customer", table_name="vehicles")
    op.drop_table("vehicles")
    op.drop_table("leads")
    op.drop_index("ix_contact_points_value_index", table_name="contact_points")
    op.drop_index("ix_contact_points_last4", table_name="contact_points")
    op.drop_table("contact_points")
    op.drop_index("ix_consents_customer", table_name="consents")
    op.drop_index("ix_consents_standing", table_name="consents", postgresql_where=sa.text("withdrawn_at IS NULL"))
    op.drop_table("consents")
    op.drop_table("staff_absences")
    op.drop_index("ix_import_problems_line", table_name="import_problems")
    op.drop_table("import_problems")
    op.drop_index("ix_import_files_seq", table_name="import_files")
    op.drop_table("import_files")
    op.drop_index(
        "ix_customers_name_trgm",
        table_name="customers",
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.drop_index("ix_customers_name", table_name="customers")
    op.drop_index("ix_customers_initials", table_name="customers")
    op.drop_table("customers")
    op.drop_index("ix_callbacks_open", table_name="callbacks", postgresql_where=sa.text("handled_at IS NULL"))
    op.drop_table("callbacks")
    op.drop_table("store_days")
    op.drop_table("staff")
    op.drop_index(op.f("ix_refresh_tokens_account_id"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_table("public_tokens")
    op.drop_index("ix_programmes_current", table_name="programmes", postgresql_where=sa.text("retired_at IS NULL"))
    op.drop_table("programmes")
    op.drop_table("message_templates")
    op.drop_index("ix_imports_created", table_name="imports")
    op.drop_table("imports")
    op.drop_table("hook_tokens")
    op.drop_index("ix_audit_log_at", table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_index(op.f("ix_api_keys_store_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("account_stores")
    op.drop_table("stores")
    op.drop_table("sign_in_failures")
    op.drop_table("scheduled_jobs")
    op.drop_index("ix_opt_outs_standing", table_name="opt_outs", postgresql_where=sa.text("revoked_at IS NULL"))
    op.drop_table("opt_outs")
    op.drop_table("numbers")
    op.drop_index("ix_number_sends_number", table_name="number_sends")
    op.drop_table("number_sends")
    op.drop_index(op.f("ix_idempotency_keys_expires_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("heartbeats")
    op.drop_table("business_clock")
    op.drop_table("accounts")
    op.execute("DROP EXTENSION IF EXISTS pg_trgm")
