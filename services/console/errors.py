"""What people read when something is refused or does not answer: at its place within a page, else a page of its own (desk.md §11)."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from services.console.api import Away, Problem, SignedOut
from services.console.desk import ChooseStore, keep, language_of
from services.console.render import plain
from shared.errors import Forbidden

ERRORS_PLACE = "#errors"

NOT_FOUND = ("没有找到，或你没有权限查看。", "Not found, or not yours to see.")
SENTENCES: dict[int, tuple[str, str]] = {
    403: NOT_FOUND,
    404: NOT_FOUND,
    413: ("文件太大。", "The file is too large."),
    428: ("页面已过旧，请刷新后再试。", "The page is too old; reload it and try again."),
    429: ("操作太快，请稍后再试。", "Too fast; try again in a moment."),
}
AWAY = (
    "服务暂时连接不上，已输入的内容都在本机，稍后重试。",
    "The service does not answer. What you typed is kept here; try again shortly.",
)
BROKEN = ("服务出错，内容已保留。", "Something went wrong; what you typed is kept.")


def in_page(request: Request) -> bool:
    """Does htmx ask for a part of a page?"""
    return request.headers.get("hx-request") == "true"


def sentence(problem: Problem, english: bool) -> str:
    """The refusal in words: the API's own where it speaks of this very thing, ours for the general ones."""
    if problem.status >= 500:
        number = f"（编号 {problem.request_id}）" if problem.request_id else ""
        return f"{BROKEN[english]} {number}".strip()
    if problem.status in (403, 404) and problem.code in ("forbidden", "not_found", "error"):
        return NOT_FOUND[english]
    if problem.status in SENTENCES and not problem.detail:
        return SENTENCES[problem.status][english]
    if problem.status == 429:
        return SENTENCES[429][english] if not problem.retry_after else _wait(problem.retry_after, english)
    if problem.code == "idempotency_in_flight":
        return "Being submitted; one moment." if english else "正在提交，请稍候。"
    if problem.code == "idempotency_key_reused":
        return "This was submitted before; reload to see it." if english else "这条记录之前已提交，请刷新查看。"
    if problem.status == 422 and problem.errors:
        count = len(problem.errors)
        return f"{count} to correct:" if english else f"有 {count} 处需要修改："
    return problem.detail


def _wait(seconds: str, english: bool) -> str:
    return f"Too many tries; wait {seconds} s." if english else f"尝试次数过多，请 {seconds} 秒后再试。"


def refused(request: Request, problem: Problem) -> Response:
    """A refusal of the API."""
    english = language_of(request) == "en"
    words = sentence(problem, english)
    if in_page(request):
        headers = {"HX-Retarget": ERRORS_PLACE, "HX-Reswap": "innerHTML"}
        return plain(request, "errors/inline.html", status=problem.status, headers=headers, words=words, errors=problem.errors)
    return plain(request, "errors/page.html", status=problem.status, words=words, status_code=problem.status, retry=False)


def away(request: Request) -> Response:
    """The API does not answer: a banner in the page, else a page that asks again by itself."""
    words = AWAY[language_of(request) == "en"]
    if in_page(request):
        headers = {"HX-Retarget": "#banner", "HX-Reswap": "innerHTML", "Retry-After": "5"}
        return plain(request, "errors/banner.html", status=503, headers=headers, words=words)
    return plain(request, "errors/page.html", status=503, headers={"Retry-After": "5"}, words=words, status_code=503, retry=True)


def go(request: Request, url: str) -> Response:
    """Send the browser elsewhere, from a page or from a part of one."""
    if in_page(request):
        return Response(status_code=204, headers={"HX-Redirect": url})
    return RedirectResponse(url, 303)


def signed_out(request: Request) -> Response:
    """To the sign-in page, and back to where one was."""
    keep(request, None)
    shown = urlsplit(request.headers.get("hx-current-url", "")) if in_page(request) else None
    path = shown.path if shown else str(request.url.path)
    return go(request, f"/sign-in?expired=1&next={quote(path if request.method == 'GET' or shown else '/today')}")


def install(app: FastAPI) -> None:
    """Give the app its handlers."""

    async def on_problem(request: Request, error: Exception) -> Response:
        return refused(request, error) if isinstance(error, Problem) else away(request)

    async def on_signed_out(request: Request, _error: Exception) -> Response:
        return signed_out(request)

    async def on_choose(request: Request, _error: Exception) -> Response:
        return go(request, "/stores")

    async def on_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return refused(request, Problem(status, {}))

    async def on_forbidden(request: Request, _error: Exception) -> Response:
        return refused(request, Problem(428, {}))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(Away, on_problem)
    app.add_exception_handler(SignedOut, on_signed_out)
    app.add_exception_handler(ChooseStore, on_choose)
    app.add_exception_handler(Forbidden, on_forbidden)
    app.add_exception_handler(HTTPException, on_http)
