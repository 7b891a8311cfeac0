"""For whoever runs the service: liveness, readiness, numbers."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST

from services.api.deps import TheHouse
from services.api.errors import Unavailable
from services.api.routing import router as make_router
from services.api.wire import Out

router = make_router(tag="health")


class Health(Out):
    """The process answers."""

    status: Literal["ok"] = "ok"


class NotMigrated(Unavailable):
    """The database has another schema than this version needs; run `huifang db upgrade`."""

    code = "not_migrated"
    zh = "数据库结构与本版本不符，请运行 huifang db upgrade。"


@router.get("/healthz", operation_id="get_health")
async def get_health() -> Health:
    """Alive: touches nothing."""
    return Health()


@router.get("/readyz", operation_id="get_readiness")
async def get_readiness(house: TheHouse) -> Health:
    """Ready: the database answers and has this version's schema. Redis is not needed to answer."""
    if await house.pool.fetchval("SELECT version_num FROM alembic_version", timeout=3) != newest_schema():
        raise NotMigrated
    return Health()


@router.get("/metrics", operation_id="get_metrics", response_class=Response)
async def get_metrics(house: TheHouse) -> Response:
    """Numbers for Prometheus."""
    return Response(house.meters.text(), media_type=CONTENT_TYPE_LATEST)


@cache
def newest_schema() -> str:
    """The number of the newest migration of this version, from the names of the files."""
    names = (file.name for file in files("deploy.migrations.versions").iterdir())
    return max(name.partition("_")[0] for name in names if name[:1].isdigit())
