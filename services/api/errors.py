"""What HTTP makes of errors: problem details (RFC 9457) from one table, in Chinese or English.

An error of ours names a fact; a subclass may carry `zh`, the sentence in Chinese, `errors`, the places at fault, and `headers`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from services.api.faults import message_of, pointer_of
from services.api.methods import allowed
from shared.errors import Conflict, Forbidden, HuifangError, Invalid, NotFound

Language: TypeAlias = Literal["zh", "en"]
log = structlog.get_logger("api")


class Unauthenticated(HuifangError):
    """Sign in, or send a valid token."""

    code = "unauthenticated"
    zh = "请先登录，或提供有效的令牌。"
    headers: Mapping[str, str] = MappingProxyType({"WWW-Authenticate": "Bearer"})


class TooManyRequests(HuifangError):
    """Too many tries; wait for as long as Retry-After says."""

    code = "too_many_requests"
    zh = "尝试次数过多，请按 Retry-After 稍后再试。"

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(max(1, seconds))}


class Stale(HuifangError):
    """Somebody changed this in the meantime; read it again."""

    code = "stale"
    zh = "该内容已被他人修改，请重新读取。"


class PreconditionRequired(HuifangError):
    """A change wants If-Match with the ETag that was read."""

    code = "precondition_required"
    zh = "修改时须带 If-Match，其值为读取时得到的 ETag。"


class Unavailable(HuifangError):
    """The database does not answer at the moment; try again shortly."""

    code = "unavailable"
    zh = "数据库暂时没有响应，请稍后再试。"
    headers: Mapping[str, str] = MappingProxyType({"Retry-After": "2"})


class TooLarge(HuifangError):
    """The body is larger than this route takes."""

    code = "too_large"
    zh = "请求内容过大。"


# The most special class first: the first that matches gives the status.
STATUS: Sequence[tuple[type[HuifangError], int]] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Stale, 412),
    (TooLarge, 413),
    (Invalid, 422),
    (PreconditionRequired, 428),
    (TooManyRequests, 429),
    (Unavailable, 503),
)

TITLES: Mapping[int, tuple[str, str]] = {
    400: ("请求有误", "Bad request"),
    401: ("未登录", "Not signed in"),
    403: ("无权操作", "Not allowed"),
    404: ("不存在", "Not found"),
    405: ("方法不适用", "Method not allowed"),
    409: ("与现状冲突", "Conflict"),
    410: ("已不存在", "Gone"),
    412: ("内容已变化", "Changed meanwhile"),
    413: ("内容过大", "Too large"),
    415: ("不支持的内容类型", "Unsupported content type"),
    422: ("内容不合要求", "Invalid content"),
    428: ("缺少 If-Match", "If-Match is required"),
    429: ("请求过于频繁", "Too many requests"),
    500: ("服务内部错误", "Internal error"),
    503: ("暂时无法服务", "Temporarily unavailable"),
}

_DETAILS_ZH: Mapping[str, str] = {
    "not_found": "没有该内容，或您无权知道。",
    "forbidden": "您的角色或令牌不允许此操作。",
    "conflict": "当前状态不允许此操作。",
    "invalid": "请求内容有误。",
}

Fault: TypeAlias = dict[str, str]

# What PostgreSQL says when a value could not be kept as it came: the caller's doing, not ours.
_INPUT_FAULTS = (
    asyncpg.DataError,
    asyncpg.InvalidTextRepresentationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.CheckViolationError,
    asyncpg.ProgramLimitExceededError,
    UnicodeEncodeError,
    OverflowError,
)
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection was cut in the midst of the driver's own steps
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.FeatureNotSupportedError,
    asyncpg.InvalidAuthorizationSpecificationError,
    PoolTimeout,
    OSError,
)


def language_of(request: Request) -> Language:
    """The language of what people read: Chinese unless Accept-Language prefers English."""
    best: tuple[float, Language] = (0.0, "zh")
    for part in request.headers.get("accept-language", "").lower().split(","):
        match = re.match(r"\s*(zh|en)\b[^;]*(?:;\s*q=([0-9.]+))?", part)
        if match:
            try:
                weight = float(match[2] or 1)
            except ValueError:
                continue
            if weight > best[0]:
                best = (weight, "en" if match[1] == "en" else "zh")
    return best[1]


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    errors: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> Response:
    """A problem document. `more` are members of our own, such as a count."""
    zh, en = TITLES.get(status, ("请求失败", "The request failed"))
    body: dict[str, object] = {
        "type": f"urn:huifang:problem:{code}",
        "title": en if language_of(request) == "en" else zh,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": list(errors),
        **more,
    }
    request_id = request.scope.get("huifang.request_id")
    if request_id:
        body["request_id"] = request_id
    return Response(orjson.dumps(body), status, dict(headers or {}), "application/problem+json")


def of_error(request: Request, error: HuifangError) -> Response:
    """The problem an error of ours stands for."""
    status = next((number for kind, number in STATUS if isinstance(error, kind)), 500)
    zh = getattr(error, "zh", None) or (_DETAILS_ZH.get(error.code) if not _has_own_words(error) else None)
    detail = zh if zh and language_of(request) == "zh" else str(error)
    errors: list[Fault] = list(getattr(error, "errors", ()))
    if isinstance(error, Invalid) and error.pointer and not errors:
        pointer = f"#{error.pointer}" if error.pointer.startswith("/") else error.pointer
        errors = [{"pointer": pointer, "message": detail}]
    more: Mapping[str, object] = getattr(error, "more", {})
    return problem(request, status, error.code, detail, errors, getattr(error, "headers", None), **more)


def _has_own_words(error: HuifangError) -> bool:
    return str(error) != (type(error).__doc__ or "").strip().splitlines()[0]


def of_validation(request: Request, error: RequestValidationError) -> Response:
    """422 with a pointer and a sentence for each fault; what was sent is not repeated."""
    language = language_of(request)
    errors = [{"pointer": pointer_of(fault["loc"]), "message": message_of(fault, language)} for fault in error.errors()]
    detail = "请求内容有误，见 errors。" if language == "zh" else "The content is not as it must be; see errors."
    return problem(request, 422, "invalid", detail, errors)


def of_http(request: Request, error: HTTPException) -> Response:
    """What the framework itself refuses: unknown path, wrong method, unreadable body."""
    if isinstance(error.__cause__, HuifangError):  # raised while it read the body, and taken for a fault of reading
        return of_error(request, error.__cause__)
    zh, en = TITLES.get(error.status_code, ("请求失败", "The request failed"))
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type", 401: "unauthenticated"}
    code = codes.get(error.status_code, "http_error")
    headers = error.headers if error.status_code != 405 else {"Allow": allowed(request.app, request.scope["path"])}
    return problem(request, error.status_code, code, zh if language_of(request) == "zh" else en, headers=headers)


def of_database(request: Request, error: BaseException) -> Response | None:
    """The problem a fault of the database stands for; None when it is a fault of ours."""
    cause = driver_error(error)
    if isinstance(cause, asyncpg.UniqueViolationError):
        return of_error(request, Conflict())
    if isinstance(cause, _INPUT_FAULTS):
        return of_error(request, Invalid())
    if isinstance(cause, _AWAY):
        log.warning("database_away", error=type(cause).__name__)
        return of_error(request, Unavailable())
    return None


def driver_error(error: BaseException) -> BaseException:
    """asyncpg's own error under SQLAlchemy's."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def of_anything(request: Request, error: Exception) -> Response:
    """Any error as a problem; one that is ours is logged and answered without details."""
    if isinstance(error, HuifangError):
        return of_error(request, error)
    if isinstance(error, RequestValidationError):
        return of_validation(request, error)
    if isinstance(error, HTTPException):
        return of_http(request, error)
    known = of_database(request, error)
    if known is not None:
        return known
    log.error("unhandled", error=type(error).__name__, path=request.scope.get("path"), exc_info=error)
    zh = language_of(request) == "zh"
    return problem(request, 500, "internal", "服务出错，已记录。" if zh else "Something went wrong on our side; it is logged.")


Handler: TypeAlias = Callable[[Request, Any], Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Give the app its handlers. What none of them knows, the outermost layer (`edge`) answers with 500."""

    async def handle(request: Request, error: Exception) -> Response:
        return of_anything(request, error)

    for kind in (HuifangError, RequestValidationError, HTTPException, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError):
        app.add_exception_handler(kind, handle)
    for other in (asyncpg.InternalClientError, OSError, PoolTimeout, UnicodeEncodeError, OverflowError):
        app.add_exception_handler(other, handle)
