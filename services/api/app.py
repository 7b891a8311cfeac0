"""The app: features mounted under /v1, errors, the outermost layer, the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from services.api import contract, errors
from services.api.accidents.routes import router as accidents
from services.api.api_keys.routes import router as api_keys
from services.api.appointments.routes import router as appointments
from services.api.audit_log.routes import router as audit_log
from services.api.auth.routes import router as auth
from services.api.campaigns.routes import router as campaigns
from services.api.complaints.routes import router as complaints
from services.api.customers.routes import router as customers
from services.api.dev.routes import router as dev
from services.api.edge import Edge
from services.api.enumerations.routes import router as enumerations
from services.api.events.routes import router as events
from services.api.health.routes import router as health
from services.api.hooks.routes import router as hooks
from services.api.house import open_house
from services.api.imports.routes import router as imports
from services.api.imports.runner import Runner, resume
from services.api.leads.routes import router as leads
from services.api.merges.routes import router as merges
from services.api.messages.outbox import router as outbox
from services.api.messages.routes import router as messages
from services.api.policies.routes import router as policies
from services.api.problems.routes import router as problems
from services.api.programmes.routes import router as programmes
from services.api.providers.routes import router as providers
from services.api.public.routes import router as public
from services.api.quality_flags.routes import router as quality_flags
from services.api.reports.kpis import router as kpis
from services.api.reports.routes import router as reports
from services.api.sales.routes import router as sales
from services.api.scripts.routes import router as scripts
from services.api.staff.routes import router as staff
from services.api.stores.calendar import router as calendar
from services.api.stores.routes import router as stores
from services.api.surveys.routes import router as surveys
from services.api.tasks.routes import router as tasks
from services.api.templates.routes import router as templates
from services.api.vehicles.routes import router as vehicles
from services.api.visits.routes import router as visits
from services.api.vouchers.routes import router as vouchers
from services.api.warranty.routes import router as warranty
from services.api.work_orders.routes import router as work_orders
from services.api.worklist.routes import router as worklist
from shared.settings import Settings

# One line a feature; those asked for most come first, for a request is matched against one after the other.
FEATURES: tuple[APIRouter, ...] = (
    visits,
    worklist,
    appointments,
    merges,
    customers,
    complaints,
    problems,
    auth,
    enumerations,
    stores,
    calendar,
    staff,
    vehicles,
    warranty,
    sales,
    policies,
    accidents,
    work_orders,
    leads,
    programmes,
    scripts,
    tasks,
    quality_flags,
    vouchers,
    campaigns,
    imports,
    messages,
    surveys,
    templates,
    reports,
    kpis,
    hooks,
    providers,
    api_keys,
    audit_log,
    events,
    dev,
    outbox,
)
ROOT: tuple[APIRouter, ...] = (health, public)


def create_app(settings: Settings) -> FastAPI:
    """The API for these settings; its lifespan opens and closes every connection."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_house(settings) as house:
            app.state.house = house
            app.state.imports_runner = Runner(settings)
            await resume(house.pool, app.state.imports_runner)
            yield

    app = FastAPI(
        title="回访 Huifang",
        version=contract.VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.state.settings = settings
    errors.install(app)
    for router in FEATURES:
        app.include_router(router, prefix="/v1")
    for router in ROOT:
        app.include_router(router)
    contract.install(app)
    app.add_middleware(Edge, strict=settings.production)
    return app
