"""The first look at messages of a store: address and words, survey and tokens, by set, in the transaction that rules on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.notifier import known
from services.notifier.compose import Batch, Worded, compose, survey_questions
from services.notifier.context import Context
from services.notifier.occasions import occasions_of
from shared.db import Connection
from shared.stores import StoreContext
from shared.tokens import token_index

SURVEY_LIFE = timedelta(days=30)
KIND = {"sms": "phone", "email": "email"}

_SURVEYS = """
    INSERT INTO surveys (store_id, created_at, expires_at, wants_call, id, visit_id, customer_id, language, questions)
    SELECT $1, $2, $3, false, u.visit_id, u.visit_id, u.customer_id, u.language, u.questions
    FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::jsonb[]) AS u (visit_id, customer_id, language, questions)
    ON CONFLICT (store_id, visit_id) DO NOTHING
"""
_TOKENS = """
    INSERT INTO public_tokens (token_index, store_id, kind, ref_id, expires_at)
    SELECT u.token_index, $1, u.kind, u.ref_id, u.expires_at
    FROM unnest($2::bytea[], $3::text[], $4::uuid[], $5::timestamptz[]) AS u (token_index, kind, ref_id, expires_at)
    ON CONFLICT DO NOTHING
"""

Message = Mapping[str, Any]


@dataclass(frozen=True)
class Unworded:
    """Messages that have no words yet, and what is known of their visits and customers."""

    messages: Sequence[known.Row]
    visits: Mapping[UUID, known.Row]
    points: Mapping[UUID, Sequence[known.Row]]

    @property
    def indexes(self) -> set[bytes]:
        """Every number and address that one of them might go to."""
        callees = {row["callee_phone_index"] for row in self.visits.values() if row["callee_phone_index"]}
        return callees | {point["value_index"] for points in self.points.values() for point in points}


async def read_unworded(conn: Connection, store_id: UUID, rows: Sequence[known.Row], channel: str) -> Unworded:
    """Those of the rows that have no words yet. One without a visit was worded by whoever made it."""
    messages = [row for row in rows if row["body"] is None and row["visit_id"] is not None]
    if not messages:
        return Unworded((), {}, {})
    visits = await known.visits_of(conn, store_id, {row["visit_id"] for row in messages})
    points = await known.points_of(conn, store_id, {row["customer_id"] for row in visits.values()}, [KIND[channel]])
    return Unworded(messages, visits, points)


async def word(
    ctx: Context, conn: Connection, store: StoreContext, unworded: Unworded, numbers: known.Numbers
) -> dict[UUID, Worded]:
    """Address and words of each, by message."""
    if not unworded.messages:
        return {}
    people, advisors = await known.people_of(conn, store.id, list(unworded.visits.values()))
    batch = Batch(
        store=store,
        vault=ctx.vault,
        public_url=ctx.settings.public_url.rstrip("/"),
        visits=unworded.visits,
        points=unworded.points,
        numbers=numbers,
        people=people,
        advisors=advisors,
        wordings=await known.wordings_of(conn, store.id),
        occasions=await occasions_of(conn, store, list(unworded.visits.values())),
    )
    return {row["id"]: compose(batch, row) for row in unworded.messages}


def with_words(store: StoreContext, row: known.Row, worded: Worded | None) -> Message:
    """The message as it will be written."""
    if worded is None:
        return dict(row)
    return dict(row) | {
        "contact_point_id": worded.point_id,
        "number_index": worded.number_index,
        "address": worded.address,
        "language": worded.language,
        "subject": worded.subject,
        "body": worded.body,
        "signature": store.signature,
    }


async def make_links(
    ctx: Context,
    conn: Connection,
    store: StoreContext,
    unworded: Unworded,
    worded: Mapping[UUID, Worded],
    suppressed: Collection[UUID],
    now: datetime,
) -> None:
    """Surveys and tokens that the words speak of. A survey has its visit's id, so that SMS and e-mail, whichever comes first, carry
    the same link.
    """
    going = [row for row in unworded.messages if row["id"] not in suppressed]
    asked = [(row, worded[row["id"]]) for row in going if worded[row["id"]].survey]
    expires_at = now + SURVEY_LIFE
    tokens: list[tuple[Any, ...]] = []
    if asked:
        await conn.execute(
            _SURVEYS,
            store.id,
            now,
            expires_at,
            [row["visit_id"] for row, _ in asked],
            [row["customer_id"] for row, _ in asked],
            [one.language for _, one in asked],
            [survey_questions(store.programmes, unworded.visits[row["visit_id"]]) for row, _ in asked],
        )
        tokens += [(token_index(ctx.vault, one.survey or ""), "survey", row["visit_id"], expires_at) for row, one in asked]
    leaving = [(row["id"], worded[row["id"]].unsubscribe) for row in going]
    tokens += [(token_index(ctx.vault, token), "unsubscribe", message_id, None) for message_id, token in leaving if token]
    if tokens:
        await conn.execute(_TOKENS, store.id, *map(list, zip(*tokens, strict=True)))
