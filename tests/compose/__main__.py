"""Build, start, pass one follow-up from the delivery to the survey's answer, take down. Exit code 0 when all of it held."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy import make_secrets
from deploy.local.ports import any_free_port

ROOT = Path(__file__).parents[2]
PROJECT = "huifang-test"
START = "2026-11-20T08:00:00+08:00"
FIRST_ANSWER_SECONDS = 300.0
PASSWORD = "correct horse battery"
DELIVERY = (
    "客户姓名,手机,车架号,车牌,交车日期,销售顾问,是否投保,是否上牌\n"
    "王建国,13800131234,LSVAG2180E2100001,沪A12345,2026-11-20,陈杰,是,是\n"
)


class Failed(Exception):
    """Something did not hold; the message says what."""


def say(text: str) -> None:
    sys.stdout.write(f"[compose-test] {text}\n")
    sys.stdout.flush()


class Deployment:
    """`docker compose` on our file, in a project of its own."""

    def __init__(self, secrets: Path) -> None:
        self.api_port, console_port = any_free_port(), any_free_port()
        self.url, self.console_url = f"http://127.0.0.1:{self.api_port}", f"http://127.0.0.1:{console_port}"
        self.env = os.environ | {
            "HUIFANG_SECRETS": str(secrets),
            "HUIFANG_ENV": "development",
            "HUIFANG_CLOCK": f"{START}@step",
            "HUIFANG_PUBLIC_URL": self.url,
            "HUIFANG_IMAGE": "huifang:test",
            "API_BIND": f"127.0.0.1:{self.api_port}",
            "CONSOLE_BIND": f"127.0.0.1:{console_port}",
        }

    def compose(self, *words: str, given: str | None = None, check: bool = True) -> str:
        """Run one `docker compose` command; out: what it printed."""
        command = ["docker", "compose", "-p", PROJECT, "-f", str(ROOT / "deploy/compose.yaml"), *words]
        done = subprocess.run(command, env=self.env, input=given, capture_output=True, text=True, timeout=900, check=False)
        if check and done.returncode:
            raise Failed(
                f"docker compose {' '.join(words)} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
            )
        return done.stdout

    def huifang(self, *words: str) -> dict[str, object]:
        """The operator's command inside the API's container; out: its JSON."""
        found: dict[str, object] = json.loads(self.compose("exec", "-T", "api", "huifang", *words, "--json"))
        return found


@contextmanager
def deployed() -> Iterator[Deployment]:
    """The deployment from nothing, removed with its volumes afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="huifang-compose-"))
    make_secrets.write(folder / "secrets")
    deployment = Deployment(folder / "secrets")
    try:
        deployment.compose("down", "--volumes", "--remove-orphans", check=False)
        say("building the image")
        deployment.compose("build", "api")
        say("starting postgres, redis, migrate, api, scheduler, notifier, console")
        deployment.compose("up", "--detach", "--wait", "--wait-timeout", str(int(FIRST_ANSWER_SECONDS)))
        yield deployment
    except Failed:
        say(deployment.compose("logs", "--tail", "40", "--no-color", check=False))
        raise
    finally:
        deployment.compose("down", "--volumes", "--remove-orphans", check=False)
        shutil.rmtree(folder, ignore_errors=True)


def expect(truth: bool, what: str) -> None:
    if not truth:
        raise Failed(what)
    say(f"ok: {what}")


def follow_up(deployment: Deployment) -> None:
    """One delivery: imported, called three times in vain, texted, answered."""
    store = deployment.huifang("store", "add", "--code", "S01", "--name", "沪兴汽车")
    deployment.huifang(
        "staff",
        "add",
        "--store",
        "S01",
        "--name",
        "陈杰",
        "--role",
        "sales_consultant",
        "--login",
        "chenjie",
        "--password",
        PASSWORD,
    )
    admin = deployment.huifang(
        "staff", "add", "--store", "S01", "--name", "管理员", "--role", "admin", "--login", "admin", "--password", PASSWORD
    )
    expect("id" in admin, "store and staff come from the operator's command in the container")
    with httpx.Client(base_url=deployment.url, timeout=60, trust_env=False) as client:
        consultant, base = _sign_in(client, "chenjie"), f"/v1/stores/{store['id']}"
        admin_headers = _sign_in(client, "admin")
        _import(client, admin_headers, base)
        visit = _thanks(client, admin_headers, base)
        for instant in ("2026-11-22T09:30:00+08:00", "2026-11-23T14:00:00+08:00", "2026-11-24T17:00:00+08:00"):
            _to(client, admin_headers, instant)
            answer = client.post(f"{base}/visits/{visit['id']}/attempts", json={"outcome": "no_answer"}, headers=consultant)
            expect(
                answer.status_code == 201,
                f"the call of {instant[:10]} is recorded: {answer.text[:200] if answer.is_error else 'no answer'}",
            )
        _to(client, admin_headers, "2026-11-24T17:05:00+08:00")
        text = _sms(client, admin_headers, base, str(visit["id"]))
        link = re.search(r"https?://\S+/s/\w+", text)
        expect(link is not None, "one SMS with a survey link is in the outbox")
        page = client.get(link[0] if link else "")
        names = set(re.findall(r'name="([^"]+)"[^>]*value="5"', page.text))
        expect(bool(names), "the link opens the survey")
        client.post(link[0] if link else "", data=dict.fromkeys(names, "5"), follow_redirects=True)
        final = client.get(f"{base}/visits/{visit['id']}", headers=admin_headers).json()
        expect((final["state"], final["satisfaction"]) == ("completed", 5), "the answer completes the visit with its score")


def _sign_in(client: httpx.Client, login: str) -> dict[str, str]:
    answer = client.post("/v1/auth/token", data={"username": login, "password": PASSWORD})
    expect(answer.status_code == 200, f"{login} signs in")
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def _import(client: httpx.Client, headers: dict[str, str], base: str) -> None:
    answer = client.post(
        f"{base}/imports", data={"kind": "sales"}, files={"file": ("sales.csv", DELIVERY.encode(), "text/csv")}, headers=headers
    )
    expect(answer.status_code == 202, f"the delivery's file is taken: {answer.status_code}")
    for _ in range(300):
        found = client.get(answer.headers["Location"], headers=headers).json()
        if found["state"] in {"done", "failed"}:
            break
        time.sleep(0.2)
    expect((found["state"], found["created"]) == ("done", 1), f"the delivery is imported: {found['state']}")


def _thanks(client: httpx.Client, headers: dict[str, str], base: str) -> dict[str, object]:
    items = client.get(f"{base}/visits", headers=headers).json()["items"]
    found: Sequence[dict[str, object]] = [visit for visit in items if visit["step"] == "thanks"]
    expect(len(found) == 1 and found[0]["due_on"] == "2026-11-22", "the thank-you call is planned for day 2")
    return found[0]


def _to(client: httpx.Client, headers: dict[str, str], instant: str) -> None:
    answer = client.post("/v1/dev/clock", json={"to": instant}, headers=headers, timeout=180)
    expect(answer.status_code == 200, f"the clock goes to {instant}{'' if answer.is_success else ': ' + answer.text}")


def _sms(client: httpx.Client, headers: dict[str, str], base: str, visit_id: str) -> str:
    items = client.get(f"{base}/messages", headers=headers).json()["items"]
    found = [message for message in items if message["visit_id"] == visit_id and message["channel"] == "sms"]
    expect(len(found) == 1, f"one SMS went out ({[message['state'] for message in items]})")
    one = client.get(f"{base}/messages/{found[0]['id']}", headers=headers).json()
    return str(one["text"])


def main() -> int:
    """0: all held; 1: something did not; 2: there is no Docker engine."""
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        sys.stderr.write("make compose-test needs a running Docker engine with the compose plugin.\n")
        return 2
    began = time.monotonic()
    try:
        with deployed() as deployment:
            expect(httpx.get(f"{deployment.console_url}/healthz", trust_env=False).status_code == 200, "the console answers")
            follow_up(deployment)
    except Failed as fault:
        say(f"FAILED: {fault}")
        return 1
    say(f"all held, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
