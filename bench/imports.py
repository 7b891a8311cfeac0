"""Importing customers through the API, all cleaning, sealing and indexing, beside a bare COPY of the rows that came of it."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import jwt

from bench.house import House
from bench.pipeline import connected, until
from bench.processes import Running, running
from bench.results import Row, ratio_row
from deploy.local.ports import HOST, any_free_port
from shared.clock import machine_now
from shared.settings import DEVELOPMENT_SECRET
from tests.factories import make_store

TEMPLATE = "imports"
COMMAND = "python -m bench imports"
CLOCK = "2026-11-23T10:00:00+08:00@x1"
HEADINGS = ("客户编号", "客户姓名", "性别", "手机", "邮箱", "生日", "地区", "首选联系方式", "建档日期")
COPIED = ("customers", "contact_points")
SURNAMES, GIVEN = "王李张刘陈杨黄赵周吴", "建国秀英伟芳敏静丽强磊军洋勇艳杰娟涛明超"
REGIONS = ("浦东新区", "江宁区", "徐汇区", "天河区")
POLL = 0.1


def file_of(rows: int) -> bytes:
    """An export as dealers send it: GB18030, phones in three ways of writing, dates in two, some cells empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADINGS)
    for number in range(rows):
        name = SURNAMES[number % 10] + GIVEN[number % 20] + GIVEN[number // 20 % 20]
        digits = f"139{number:08d}"
        phone = (digits, f"{digits[:3]}-{digits[3:7]}-{digits[7:]}", f"+86 {digits}")[number % 3]
        born = f"19{60 + number % 40}-0{number % 9 + 1}-1{number % 10}" if number % 4 else ""
        filed = f"2026/{number % 9 + 1}/{number % 27 + 1}" if number % 2 else f"2026-0{number % 9 + 1}-1{number % 10}"
        mail = f"k{number}@example.com" if number % 5 == 0 else ""
        sex, prefers = ("男", "女")[number % 2], ("电话", "短信", "")[number % 3]
        writer.writerow((f"K{number:07d}", name, sex, phone, mail, born, REGIONS[number % 4], prefers, filed))
    return text.getvalue().encode("gb18030")


async def rows(house: House, count: int, pairs: int) -> tuple[list[Row], dict[str, float]]:
    """The row of imports. Out: rows, and the largest memory of the process that imports."""
    await house.template(TEMPLATE)
    async with connected(house, TEMPLATE) as conn:
        store_id: UUID = (await make_store(conn))["id"]
    content, bare, ours, peaks = file_of(count), [], [], []
    for _ in range(pairs):
        async with house.copy(TEMPLATE) as database:
            seconds, peak = await _our_run(house, database, store_id, content, count)
            ours.append(count / seconds)
            peaks.append(peak)
            files = await _keep_rows(house, database)
        bare.append(count / await _copy_run(house, files))
    row = ratio_row(
        f"import of {count:,} customer rows",
        "rows/s",
        bare,
        ours,
        0.05,
        COMMAND,
        file_mb=round(len(content) / 1e6, 1),
        peak_mb=peaks,
    )
    return [row], {"the importing process": max(peaks)}


async def _our_run(house: House, database: str, store_id: UUID, content: bytes, count: int) -> tuple[float, float]:
    """Upload and wait until it says done. Out: seconds, and the most memory the importing process had."""
    port = any_free_port()
    base = f"http://{HOST}:{port}"
    environment = house.environment(database, "api", CLOCK) | {"HUIFANG_API_PORT": str(port), "HUIFANG_API_HOST": HOST}
    headers = {"Authorization": f"Bearer {_operator()}"}
    with running("api-imports", "services.api", house.folder, environment) as api:
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60, trust_env=False) as client:
            await _await_api(client, api)
            began = time.monotonic()
            answer = await client.post(
                f"/v1/stores/{store_id}/imports", data={"kind": "customers"}, files={"file": ("customers.csv", content)}
            )
            answer.raise_for_status()
            place, peak = answer.headers["location"], 0.0
            while (said := (await client.get(place)).raise_for_status().json())["state"] not in ("done", "failed"):
                peak = max(peak, _importing_mb())
                api.check()
                await asyncio.sleep(POLL)
            seconds = time.monotonic() - began
    if said["created"] != count:
        raise RuntimeError(f"{said['created']} of {count} rows were created: {said['state']} {said['errors'][:3]}")
    return seconds, peak


async def _await_api(client: httpx.AsyncClient, api: Running) -> None:
    async def answers() -> bool:
        try:
            return (await client.get("/readyz")).is_success
        except httpx.TransportError:
            return False

    await until(answers, [api], 0.1)


def _operator() -> str:
    """What the CLI signs for itself."""
    now = machine_now()
    claims = {"iss": "huifang", "aud": "huifang-api", "typ": "operator", "sub": "operator", "iat": now}
    return jwt.encode(claims | {"exp": now + timedelta(minutes=4)}, DEVELOPMENT_SECRET, algorithm="HS256")


def _importing_mb() -> float:
    """The most memory that the process which imports has had so far."""
    for entry in Path("/proc").iterdir():
        try:
            if b"services.api.imports" in (entry / "cmdline").read_bytes():
                lines = (entry / "status").read_text().splitlines()
                return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
        except (OSError, StopIteration):
            continue
    return 0.0


async def _keep_rows(house: House, database: str) -> Sequence[tuple[str, Path]]:
    """The rows that came of it, as files for COPY."""
    kept = []
    async with connected(house, database) as conn:
        for table in COPIED:
            file = house.folder / f"{table}.copy"
            await conn.copy_from_table(table, output=file, format="binary")
            kept.append((table, file))
    return kept


async def _copy_run(house: House, files: Sequence[tuple[str, Path]]) -> float:
    """COPY of the finished rows into the same tables, indexes and references in place. Out: seconds."""
    async with house.copy(TEMPLATE) as database, connected(house, database) as conn:
        began = time.monotonic()
        async with conn.transaction():
            for table, file in files:
                await conn.copy_to_table(table, source=file, format="binary")
        return time.monotonic() - began
