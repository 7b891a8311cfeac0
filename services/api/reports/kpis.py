"""The KPI board over HTTP: figures, what drove them, the rows behind them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.paging import PageQuery
from services.api.reports import queries
from services.api.reports.queries import Asked
from services.api.reports.routes import MonthQuery
from services.api.reports.schemas import By, Chosen, KpiBoard, KpiDetail, KpiRows
from services.api.routing import router as make_router
from services.api.wire import Line, json_response
from shared.domain.kpi import NOTHING
from shared.reports import board, figures

router = make_router("/stores/{store_id}/kpis", "reports")

Person = Annotated[UUID | None, Query(description="One person's figures; who is no manager gets his own.")]
Programme = Annotated[Line | None, Query(examples=["after-maintenance"])]


@router.get("", operation_id="get_kpis", response_model=KpiBoard)
async def get_kpis(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    month: MonthQuery = None,
    by: Annotated[By, Query(description="Show each person or programme as well.")] = "store",
    staff_id: Person = None,
    programme: Programme = None,
) -> Response:
    """Every figure of a month with its target, the month before, twelve months back."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    scope = queries.scope_of(store, me, Asked(month=month, staff_id=staff_id, programme=programme), now=now)
    return json_response(KpiBoard.of(await board.board(conn, scope, by)))


@router.get("/{kpi}", operation_id="get_kpi", response_model=KpiDetail)
async def get_kpi(
    kpi: str,
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    month: MonthQuery = None,
    by: Annotated[By, Query(description="`person` (also for `store`) or `programme`.")] = "person",
    staff_id: Person = None,
    programme: Programme = None,
) -> Response:
    """A figure, and which persons or programmes moved it from the month before."""
    found = queries.kpi_of(kpi)
    store = await house.stores.get(conn, me.store_id, today=now.date())
    scope = queries.scope_of(store, me, Asked(month=month, staff_id=staff_id, programme=programme), now=now)
    detail = await board.drivers(conn, scope, found, by)
    history = await board.figure(conn, scope, found)
    return json_response(KpiDetail.of(detail | {"figure": figures.shown(found, history or NOTHING, store.policies)}))


@router.get("/{kpi}/visits", operation_id="list_kpi_rows", response_model=KpiRows)
async def list_kpi_rows(
    kpi: str,
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    page: PageQuery,
    month: MonthQuery = None,
    rows: Annotated[Chosen | None, Query(description="Which rows; all if absent.")] = None,
    staff_id: Person = None,
    programme: Programme = None,
) -> Response:
    """The rows a figure counted, and those it left out with the reason; the counted ones are its denominator."""
    found = queries.kpi_of(kpi)
    store = await house.stores.get(conn, me.store_id, today=now.date())
    scope = queries.scope_of(store, me, Asked(month=month, staff_id=staff_id, programme=programme), now=now)
    return json_response(KpiRows.of(await queries.rows_behind(conn, scope, found, rows, page)))
