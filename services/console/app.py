"""The app: pages mounted, static files, errors, the outermost layer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from services.console import errors
from services.console.api import Api
from services.console.desk import Console
from services.console.edge import Edge
from services.console.pages import call, customers, imports, messages, outbox, sign_in, tasks, today, why
from services.console.render import HERE
from services.console.session import Sealer
from shared.errors import SettingsInvalid
from shared.settings import Settings

# One line a page.
PAGES: tuple[APIRouter, ...] = (
    sign_in.router,
    today.router,
    call.router,
    why.router,
    customers.router,
    tasks.router,
    messages.router,
    imports.router,
)


def create_app(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """The console for these settings. `transport` stands in for the network to the API in tests."""
    api, sealer = Api(settings.api_url, transport), Sealer(settings.secret_key)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await api.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.console = Console(settings, api, sealer)
    errors.install(app)
    for router in PAGES:
        app.include_router(router)
    if not settings.production:
        app.include_router(outbox.router)
    _mount_plain(app)
    app.add_middleware(Edge, sealer=sealer, strict=settings.production)
    return app


def htmx_file() -> Path:
    """htmx as its wheel holds it. Raises SettingsInvalid when the wheel is not installed."""
    spec = find_spec("js_lib_htmx")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        return Path(place) / "static" / "htmx" / "htmx.min.js"
    raise SettingsInvalid("the package django-js-lib-htmx is not installed")


def _mount_plain(app: FastAPI) -> None:
    htmx = htmx_file()

    @app.get("/static/htmx.min.js", include_in_schema=False)
    async def htmx_js() -> FileResponse:
        return FileResponse(htmx, media_type="text/javascript")

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("/today", 303)

    app.mount("/static", StaticFiles(directory=HERE / "static"))
