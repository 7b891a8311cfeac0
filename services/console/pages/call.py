"""Call 回访: one customer on one screen; what came of the call, and what happens next."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.console.api import Json, Problem
from services.console.desk import Desk, Signed
from services.console.formats import instant
from services.console.record import CONVERSATIONS, Unreadable, attempt_of
from services.console.render import page
from services.console.sentences import next_sentence
from shared.ids import new_id

router = APIRouter()

KEYS: Mapping[str, str] = {
    "reached": "1",
    "no_answer": "2",
    "busy": "3",
    "powered_off": "4",
    "rejected": "5",
    "call_later": "6",
    "wrong_number": "7",
    "not_owner": "8",
    "number_invalid": "9",
}
MORE = ("out_of_coverage", "suspended")
RARE = ("do_not_contact", "moved_or_sold", "deceased")
OPEN = frozenset({"planned", "due", "trying"})
WITHDRAW_WITHIN = timedelta(minutes=10)
SHOWN_SECONDS = 30
RECORD_QUESTIONS = frozenset({"satisfaction", "problem_type", "feedback"})
"""Questions of a step that have their place in the record column, whatever the step calls them."""


@router.get("/visits/{visit_id}")
async def call(visit_id: UUID, desk: Signed) -> Response:
    """The brief of a call; opening it logs nothing."""
    path = f"{desk.path}/visits/{visit_id}"
    brief, worklist = await asyncio.gather(
        desk.caller.get(f"{path}/brief"),
        desk.caller.get(f"{desk.path}/worklist", assignee_id=desk.store["staff_id"], limit=500),
    )
    others = [each for each in brief["visit_ids"] if each != str(visit_id)]
    together = [brief["visit"], *await asyncio.gather(*(desk.caller.get(f"{desk.path}/visits/{each}") for each in others))]
    following, position, total = _place(worklist["items"], str(visit_id))
    values: Json = {
        "brief": brief,
        "together": together,
        "asked": [question for question in brief["questions"] if question["key"] not in RECORD_QUESTIONS],
        "scored": next((question for question in brief["questions"] if question["key"] == "satisfaction"), None),
        "timeline": _timeline(brief),
        "following": following,
        "position": position,
        "total": total,
    }
    return page(desk, "call/page.html", **values, **_foot(desk, brief["visit"]), blocked=_hard_block(brief))


@router.post("/visits/{visit_id}/reveal")
async def reveal(visit_id: UUID, request: Request, desk: Signed) -> Response:
    """The whole number for half a minute; the API writes down who looked, and why."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    purpose = form.get("purpose", "view")
    body = {"purpose": purpose} | ({"contact_point_id": point} if (point := form.get("contact_point_id")) else {})
    path = f"{desk.path}/customers/{UUID(form.get('customer_id', ''))}/reveal"
    number = (await desk.caller.post(path, body))["value"]
    values = {"number": number, "seconds": SHOWN_SECONDS, "started_at": desk.me["now"], "dial": purpose == "dial"}
    return page(desk, "call/number.html", **values)


@router.post("/visits/{visit_id}/attempts")
async def record(visit_id: UUID, request: Request, desk: Signed) -> Response:
    """Record what came of the call; the answer is the sentence of what happens next."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        body = attempt_of(form, str(visit_id), desk.zone)
    except Unreadable as fault:
        words = desk.t("无法识别，请检查", "cannot be read; please check")
        raise Problem(422, {"code": "invalid", "errors": [{"pointer": f"#/{fault.field}", "message": words}]}) from fault
    answer = await desk.caller.post(f"{desk.path}/visits/{visit_id}/attempts", body, key=form.get("idempotency_key") or None)
    saved = {"visit": str(visit_id), "words": _saved(desk, form, answer), "go": body["outcome"] == "reached"}
    headers = {"HX-Trigger": _ascii({"huifang:saved": saved})}
    pairs = [f"{visit['id']}/{visit['attempts'][-1]['id']}" for visit in answer["visits"] if visit["attempts"]]
    return page(desk, "call/foot.html", headers=headers, **_foot(desk, answer["visit"], pairs), brief=None, blocked=None)


@router.post("/visits/{visit_id}/withdraw")
async def withdraw(visit_id: UUID, request: Request, desk: Signed) -> Response:
    """Take back what was recorded, on every visit the call covered; the form is as it was, to be sent anew."""
    form = await request.form()
    visit: Json = {}
    for pair in form.getlist("attempt"):
        each, _, attempt_id = str(pair).partition("/")
        answer = await desk.caller.post(f"{desk.path}/visits/{UUID(each)}/attempts/{UUID(attempt_id)}/withdraw")
        visit = answer if each == str(visit_id) or not visit else visit
    brief = await desk.caller.get(f"{desk.path}/visits/{visit_id}/brief")
    headers = {"HX-Trigger": "huifang:withdrawn"}
    return page(desk, "call/foot.html", headers=headers, **_foot(desk, brief["visit"]), brief=brief, blocked=_hard_block(brief))


def _foot(desk: Desk, visit: Json, recorded: Sequence[str] | None = None) -> Json:
    """What the bottom row needs: outcomes, or what was recorded with its sentence. A new key for a new submission."""
    last = visit["attempts"][-1] if visit["attempts"] else None
    pairs = list(recorded or ([f"{visit['id']}/{last['id']}"] if last and _withdrawable(last, desk.now) else []))
    local = desk.now.astimezone(desk.zone)
    return {
        "visit": visit,
        "recorded": recorded is not None or visit["state"] not in OPEN,
        "last": last,
        "pairs": pairs,
        "sentence": next_sentence(visit, desk.now, desk.zone, desk.language),
        "key": str(new_id()),
        "keys": KEYS,
        "more": MORE,
        "rare": RARE,
        "promises": _promises(local),
        "tomorrow": f"{local + timedelta(days=1):%Y-%m-%d}",
        "today": f"{local:%Y-%m-%d}",
    }


def _withdrawable(attempt: Json, now: datetime) -> bool:
    return attempt["withdrawn_at"] is None and now - instant(attempt["at"]) <= WITHDRAW_WITHIN


def _promises(local: datetime) -> list[tuple[str, str]]:
    """Times to promise at one key: today at 15 and 17 while they lie ahead, tomorrow at 10; (value, instant's text)."""
    today = [local.replace(hour=hour, minute=0, second=0, microsecond=0) for hour in (15, 17)]
    tomorrow = (local + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
    return [(f"{at:%Y-%m-%dT%H:%M}", at.isoformat()) for at in (*today, tomorrow) if at > local]


def _hard_block(brief: Json) -> Json | None:
    """What forbids calling out, not merely advises against it."""
    return brief["blocked"] if not brief["callable"] else None


def _place(items: Sequence[Json], visit_id: str) -> tuple[Json | None, int, int]:
    """The call after this one in the server's order, this one's place, and how many can be made now."""
    ready = [item for item in items if item["blocked"] is None]
    place = next((number for number, item in enumerate(ready) if visit_id in item["visit_ids"]), None)
    if place is None:
        return (ready[0] if ready else None), 0, len(ready)
    return (ready[place + 1] if place + 1 < len(ready) else None), place + 1, len(ready)


def _timeline(brief: Json) -> list[Json]:
    """Earlier visits, work orders and messages, newest first."""
    visits = [{"at": row["closed_at"] or row["due_on"], "kind": "visit", "row": row} for row in brief["earlier"]]
    tried = [{"at": row["at"], "kind": "attempt", "row": row} for row in brief["visit"]["attempts"]]
    orders = [{"at": row["closed_at"], "kind": "work_order", "row": row} for row in brief["work_orders"]]
    sent = [{"at": row["sent_at"] or row["created_at"], "kind": "message", "row": row} for row in brief["messages"]]
    return sorted(visits + tried + orders + sent, key=lambda entry: str(entry["at"] or ""), reverse=True)


def _saved(desk: Desk, form: Mapping[str, str], answer: Json) -> str:
    state = desk.label("visit_state", answer["visit"]["state"])
    words = state if answer["outcome"] in CONVERSATIONS else desk.label("outcome", answer["outcome"])
    return desk.t("已提交：", "Saved: ") + " · ".join(filter(None, (form.get("customer_name"), words)))


def _ascii(events: Mapping[str, Any]) -> str:
    """Events for a header: JSON with every character above ASCII escaped."""
    return json.dumps(events)
