"""`huifang up`: the servers, the services and the console of one machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Protocol

import typer

from deploy.local.ports import HOST, is_free, remembered_port
from deploy.local.process import ServerFault, write_private
from services.cli.backend import Backend, everything, service_command
from services.cli.client import Api
from services.cli.demo import SignIn, load_demo
from services.cli.options import DEFAULT_DATA, Data, Refused, say
from services.cli.runtime import answers, stop_cleanly_on_terminate
from services.cli.state import System, holding, write_system
from services.cli.supervisor import Child, Stream, Supervisor
from shared.settings import Settings, load_settings

WATCH_EVERY = 1.0
READY_WITHIN = 120.0


def up(
    data: Data = DEFAULT_DATA,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Load demo data on the first start.")] = True,
    port: Annotated[int, typer.Option("--port", envvar="PORT", help="The API's port.", min=1, max=65535)] = 8000,
    console_port: Annotated[int, typer.Option(envvar="CONSOLE_PORT", help="The console's port.", min=1, max=65535)] = 8080,
) -> None:
    """Start PostgreSQL, Redis, a mail catcher, the services and the console; stop all on Ctrl-C. The data stay in the folder."""
    settings = load_settings()
    stop_cleanly_on_terminate()
    with holding(data, wait=False):
        check_ports({"--port": port, "--console-port": console_port})
        say(f"Starting on {data} …")
        with everything(data, settings) as backend:
            backend.migrate()
            plan = _plan(data, settings, backend, port, console_port)
            write_system(data, plan.system)
            asyncio.run(_serve(data, backend, plan, demo))
    say("Stopped.")


def check_ports(ports: dict[str, int]) -> None:
    """Raises Refused when a port is taken, or asked for twice."""
    if len(set(ports.values())) < len(ports):
        raise Refused("The API and the console need two different ports.")
    for option, port in ports.items():
        if not is_free(port):
            free = _free_after(port, set(ports.values()))
            raise Refused(f"Port {port} is taken by another program. Stop it, or choose another: huifang up {option} {free}")


def _free_after(port: int, others: set[int]) -> int:
    numbers = (number for number in range(port + 1, 65536) if number not in others and is_free(number))
    return next(numbers, port)


class Plan:
    """What to run: the children, and the addresses they will answer at."""

    def __init__(self, system: System, children: list[Child]) -> None:
        self.system = system
        self.children = children


def _plan(data: Path, settings: Settings, backend: Backend, port: int, console_port: int) -> Plan:
    api_url, console_url = f"http://{HOST}:{port}", f"http://{HOST}:{console_port}"
    mail = data.absolute() / "mail"
    common = {"HUIFANG_API_URL": api_url, "HUIFANG_MAIL_DIR": str(mail)}
    if "public_url" not in settings.model_fields_set:
        common["HUIFANG_PUBLIC_URL"] = api_url
    children = []
    smtp_url = settings.smtp_url
    if not smtp_url:
        smtp_port = remembered_port(data / "smtp.port")
        smtp_url = common["HUIFANG_SMTP_URL"] = f"smtp://{HOST}:{smtp_port}"
        catcher = [sys.executable, "-m", "deploy.local.smtp", "--port", str(smtp_port), "--dir", str(mail)]
        children.append(Child("mail", catcher, {**os.environ, "PYTHONUNBUFFERED": "1"}))
    ports = {
        "api": {"HUIFANG_API_HOST": HOST, "HUIFANG_API_PORT": str(port)},
        "scheduler": {},
        "notifier": {},
        "console": {"HUIFANG_CONSOLE_HOST": HOST, "HUIFANG_CONSOLE_PORT": str(console_port)},
    }
    for service, own in ports.items():
        children.append(Child(service, service_command(service), backend.environment(service, **common, **own)))
    system = System(
        "up", os.getpid(), api_url, backend.database_url, backend.secrets.secret_key, console_url, backend.redis_url, smtp_url
    )
    return Plan(system, children)


async def _serve(data: Path, backend: Backend, plan: Plan, demo: bool) -> None:
    """Run the children until a signal; watch the embedded servers; say when all is ready."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, stop.set)
    stream = Stream([child.name for child in plan.children] + ["postgres", "valkey"])
    supervisor = Supervisor(plan.children, stream.line)
    running = asyncio.create_task(supervisor.run())
    helpers = [asyncio.create_task(_watch(backend, stream.line)), asyncio.create_task(_welcome(data, plan, supervisor, demo))]
    await stop.wait()
    say("Stopping …")
    for helper in helpers:
        helper.cancel()
    await asyncio.gather(*helpers, return_exceptions=True)
    await supervisor.stop()
    await running


class Server(Protocol):
    """An embedded server, as far as it is watched."""

    @property
    def alive(self) -> bool: ...

    def start(self) -> None: ...


async def _watch(backend: Backend, line: Callable[[str, str], None]) -> None:
    """Start an embedded server again when it has died. The loop waits for it: a child belongs to the thread that forked."""
    servers: dict[str, Server | None] = {"postgres": backend.postgres, "valkey": backend.valkey}
    while True:
        await asyncio.sleep(WATCH_EVERY)
        for name, server in servers.items():
            if server is not None and not server.alive:
                line(name, "died; starting it again")
                try:
                    server.start()
                except ServerFault as fault:
                    line(name, str(fault))


async def _welcome(data: Path, plan: Plan, supervisor: Supervisor, demo: bool) -> None:
    """Once the API is ready: load the demo data the first time, then print the addresses and the sign-ins."""
    limit = asyncio.get_running_loop().time() + READY_WITHIN
    while not await asyncio.to_thread(answers, plan.system.api_url):
        if asyncio.get_running_loop().time() > limit or supervisor.restarts.get("api", 0) > 3:
            say("The API does not get ready; its own lines above say why. `huifang doctor` may help.")
            return
        await asyncio.sleep(0.1)
    sign_ins: list[SignIn] = []
    if demo:
        try:
            sign_ins = await asyncio.to_thread(_demo_once, data, plan.system)
        except Refused as fault:
            say(f"The demo data could not be loaded, the rest works: {fault}")
    say(_banner(data, plan.system, sign_ins))


def _demo_once(data: Path, system: System) -> list[SignIn]:
    """The demo's sign-ins; on the first start the demo itself is loaded through the API."""
    kept = data / "demo.json"
    if not kept.exists():
        say("Loading the demo store (once) …")
        with Api(system) as api:
            sign_ins = load_demo(api, system.secret_key)
        write_private(kept, json.dumps([sign_in._asdict() for sign_in in sign_ins], ensure_ascii=False, indent=2))
    return [SignIn(**entry) for entry in json.loads(kept.read_text())]


def _banner(data: Path, system: System, sign_ins: list[SignIn]) -> str:
    lines = [
        "",
        f"  Huifang is ready. Ctrl-C stops it; the data stay in {data}.",
        "",
        f"  API      {system.api_url}   (contract: {system.api_url}/openapi.json)",
        f"  Console  {system.console_url}",
        f"  Mail     {system.smtp_url}",
    ]
    if sign_ins:
        lines += ["", "  Demo sign-ins:"]
        lines += [f"    {sign_in.login:<12} {sign_in.password:<20} {sign_in.name} ({sign_in.role})" for sign_in in sign_ins]
    return "\n".join([*lines, ""])
