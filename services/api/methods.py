"""Which methods an address takes: the framework names only those of the first function it finds there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import compile_path

Table = Mapping[str, tuple[re.Pattern[str], frozenset[str]]]


def allowed(app: FastAPI, path: str) -> str:
    """The methods at `path` as the header Allow lists them; empty when nothing is there."""
    for pattern, methods in _table(app).values():
        if pattern.fullmatch(path):
            return ", ".join(sorted(methods))
    return ""


def _table(app: FastAPI) -> Table:
    """The addresses, made once for an app."""
    if not hasattr(app.state, "methods"):
        app.state.methods = _read(app)
    table: Table = app.state.methods
    return table


def _read(app: FastAPI) -> Table:
    found: dict[str, tuple[re.Pattern[str], frozenset[str]]] = {}
    for context in iter_route_contexts(app.routes):
        if not isinstance(context.original_route, APIRoute) or context.path_format is None:
            continue
        pattern, others = found.get(context.path_format, (compile_path(context.path_format)[0], frozenset()))
        found[context.path_format] = pattern, others | (context.original_route.methods or set())
    return dict(sorted(found.items(), key=lambda item: item[0].count("{")))  # a word in the path before a name for any word
