"""due in batches: a queue of wakes apart from the visits, one event for many visits, thin messages

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_QUEUE = """
    INSERT INTO visit_wakes (store_id, id, wake_at, visit_ids)
    SELECT store_id, gen_random_uuid(), wake_at, array_agg(id)
    FROM (
        SELECT store_id, id, wake_at, (row_number() OVER (PARTITION BY store_id, wake_at ORDER BY id) - 1) / 100 AS part
        FROM visits WHERE wake_at IS NOT NULL
    ) v
    GROUP BY store_id, wake_at, part
"""
# Back again: one event for each visit, with ids of their own; the numbers they have are those of the visits.
_ONE_BY_ONE = """
    INSERT INTO due_contact_events (store_id, id, visit_ids, visit_id, due_seq, step, due_at, created_at, rung_at, handled_at)
    SELECT e.store_id, gen_random_uuid(), ARRAY[u.visit_id], u.visit_id, e.due_seq, e.step, e.due_at, e.created_at, e.rung_at,
        e.handled_at
    FROM due_contact_events e CROSS JOIN LATERAL unnest(e.visit_ids) AS u (visit_id)
    WHERE e.visit_id IS NULL
"""


def upgrade() -> None:
    op.create_table(
        "visit_wakes",
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visit_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_visit_wakes_store_id")),
        sa.PrimaryKeyConstraint("store_id", "id", name=op.f("pk_visit_wakes")),
        postgresql_with={"autovacuum_vacuum_scale_factor": 0.02},
    )
    op.execute(_QUEUE)
    op.create_index("ix_visit_wakes_at", "visit_wakes", ["store_id", "wake_at"])

    op.drop_index("ix_visits_wake", table_name="visits")
    op.drop_index("ix_visits_open", table_name="visits")
    op.create_index(
        "ix_visits_open",
        "visits",
        ["store_id", "assignee_id", "window_start"],
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.add_column("visits", sa.Column("due_event_id", sa.Uuid(), nullable=True))
    op.execute("ALTER TABLE visits SET (fillfactor = 50)")  # for what is written from now on

    op.add_column("due_contact_events", sa.Column("visit_ids", postgresql.ARRAY(sa.Uuid()), nullable=True))
    op.execute("UPDATE due_contact_events SET visit_ids = ARRAY[visit_id]")
    op.alter_column("due_contact_events", "visit_ids", nullable=False)
    op.alter_column("due_contact_events", "visit_id", nullable=True)
    op.create_foreign_key(op.f("fk_due_contact_events_store_id"), "due_contact_events", "stores", ["store_id"], ["id"])

    op.drop_constraint(op.f("fk_messages_store_id"), "messages", type_="foreignkey")
    op.drop_constraint(op.f("fk_messages_store_id_visit_id"), "messages", type_="foreignkey")
    op.drop_index("ix_messages_number", table_name="messages")
    op.create_index(
        "ix_messages_number",
        "messages",
        ["number_index", "created_at"],
        postgresql_where=sa.text("number_index IS NOT NULL"),
    )

    op.create_index("ix_attempts_at", "attempts", ["store_id", "at"])  # what was done today, and by another tier


def downgrade() -> None:
    op.drop_index("ix_attempts_at", table_name="attempts")
    op.drop_index("ix_messages_number", table_name="messages")
    op.create_index("ix_messages_number", "messages", ["number_index", "created_at"])
    op.create_foreign_key(
        op.f("fk_messages_store_id_visit_id"), "messages", "visits", ["store_id", "visit_id"], ["store_id", "id"]
    )
    op.create_foreign_key(op.f("fk_messages_store_id"), "messages", "stores", ["store_id"], ["id"])

    op.execute(_ONE_BY_ONE)
    op.execute("DELETE FROM due_contact_events WHERE visit_id IS NULL")
    op.drop_constraint(op.f("fk_due_contact_events_store_id"), "due_contact_events", type_="foreignkey")
    op.alter_column("due_contact_events", "visit_id", nullable=False)
    op.drop_column("due_contact_events", "visit_ids")

    op.execute("ALTER TABLE visits RESET (fillfactor)")
    op.drop_column("visits", "due_event_id")
    op.drop_index("ix_visits_open", table_name="visits")
    op.create_index(
        "ix_visits_open",
        "visits",
        ["store_id", "assignee_id", "window_start"],
        postgresql_where=sa.text("state IN ('planned', 'due', 'trying')"),
    )
    op.create_index("ix_visits_wake", "visits", ["store_id", "wake_at"], postgresql_where=sa.text("wake_at IS NOT NULL"))
    op.drop_table("visit_wakes")
