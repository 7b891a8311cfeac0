"""The outermost layer, plain ASGI: security headers, the cookie of a session that changed, and no writes from foreign pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.session import COOKIE, LIFE_SECONDS, Sealer

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
KEEP_SESSION = "huifang.session"
"""Where a request's latest session waits to be sealed; None there takes the cookie away, absence leaves it as it is."""


class Edge:
    """Wraps the whole app; the last to see an answer."""

    def __init__(self, app: ASGIApp, sealer: Sealer, strict: bool = False) -> None:
        self._app = app
        self._sealer = sealer
        self._strict = strict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def give(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._finish(scope, MutableHeaders(scope=message))
            await send(message)

        if foreign(Request(scope)):
            await PlainTextResponse("Forbidden", 403)(scope, receive, give)
            return
        await self._app(scope, receive, give)

    def _finish(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        # Pages hold personal data; files of ours are asked for again each time, so that a new release shows at once.
        headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/static/") else "no-store"
        secure = scope["scheme"] == "https"
        if self._strict and secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if KEEP_SESSION in scope:
            session = scope[KEEP_SESSION]
            value = self._sealer.seal(session) if session else ""
            life = LIFE_SECONDS if session else 0
            attributes = f"Path=/; Max-Age={life}; HttpOnly; SameSite=strict{'; Secure' if secure else ''}"
            headers.append("Set-Cookie", f"{COOKIE}={value}; {attributes}")


def foreign(request: Request) -> bool:
    """Does a page of another site ask us to write something? Browsers say where a request comes from."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
