"""A guard before the pages of Dagster and MLflow, which ask nobody who they are.

Whoever is on this machine may use them. What the guard refuses is everybody else who comes through a browser on it: a
name that was pointed at loopback (Host), another page's script (Origin), a link that changes something (GET), and a
frame around the page. It is an ASGI application around another one.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Scope = Mapping[str, Any]
Application = Callable[..., Any]
_SAFE = {"GET", "HEAD", "OPTIONS"}
_LARGEST_JUDGED_BODY = 1_000_000
"""Bytes of a request that are read before it is let through; only those that may name a folder are."""
_SHUT = ("/mlflow/assistant", "/gateway/")
"""Parts of MLflow that start programs on this machine or call others; custana has no use for them."""
_LOOKING = ("search", "get", "query", "graphql")
"""How the last part of an address begins where MLflow's page only reads, although by POST."""


def allowed_hosts(port: int, others: Iterable[str] = ()) -> frozenset[str]:
    """The values of Host that are ours: loopback's names with the port, and what a reverse proxy is known by.

    >>> sorted(allowed_hosts(3000, ["shop.example"]))
    ['127.0.0.1:3000', '[::1]:3000', 'localhost:3000', 'shop.example']
    """
    return frozenset({*(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")), *map(str.lower, others)})


@dataclass(frozen=True)
class PageGuard:
    """`application`, open to requests of its own page and of programs on this machine only."""

    application: Application
    hosts: frozenset[str]
    is_read_only: bool = False

    async def __call__(self, scope: Scope, receive: Application, send: Application) -> None:
        """Answers 403 or 405, or passes the request on."""
        if scope["type"] not in ("http", "websocket"):
            await self.application(scope, receive, send)
            return
        status, reason = self._judged(scope)
        if not status and _may_name_a_folder(scope):
            status, reason, receive = await _judged_body(receive)
        if status:
            await _refuse(scope, send, status, reason)
        else:
            await self.application(scope, receive, _unframed(send))

    def _judged(self, scope: Scope) -> tuple[int, str]:
        """The status and reason of a refusal; 0 where there is none."""
        hosts, origins, sites = (_values(scope, name) for name in (b"host", b"origin", b"sec-fetch-site"))
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return 403, "This page answers to its own address only; CUSTANA_UI_HOSTS names a reverse proxy's."
        if any(origin.partition("://")[2] not in self.hosts for origin in origins):
            return 403, "This request comes from another page."
        if any(part in scope["path"] for part in _SHUT):
            return 403, "This part of MLflow is not open here."
        method = scope.get("method", "GET")
        if scope["type"] == "http" and method not in _SAFE:
            if any(site in ("cross-site", "same-site") for site in sites):
                return 403, "This request comes from another page."
            if self.is_read_only and not _only_looks(scope):
                return 403, "This page is read-only."
            return 0, ""
        return _judged_address(scope)


def _judged_address(scope: Scope) -> tuple[int, str]:
    parts = [part for part in scope["path"].split("/") if part]
    if ".." in parts:
        return 403, "An address may not lead upwards."
    if scope["type"] == "http" and parts[-1:] == ["graphql"] and scope.get("query_string"):
        return 405, "GraphQL is asked by POST: a link must not change anything."
    return 0, ""


def _only_looks(scope: Scope) -> bool:
    last = scope["path"].rstrip("/").rpartition("/")[2]
    return scope["method"] == "POST" and last.startswith(_LOOKING)


def _may_name_a_folder(scope: Scope) -> bool:
    return scope.get("method") == "POST" and scope["path"].rstrip("/").endswith("mlflow/experiments/create")


async def _judged_body(receive: Application) -> tuple[int, str, Application]:
    """Refuses an experiment that would keep its files outside of MLflow's own folder."""
    body, is_whole = b"", False
    while not is_whole and len(body) <= _LARGEST_JUDGED_BODY:
        message = await receive()
        body += message.get("body", b"")
        is_whole = not message.get("more_body", False)

    async def again() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        told = json.loads(body) if is_whole else None
    except ValueError:
        told = None
    if not isinstance(told, dict) or told.get("artifact_location") or told.get("artifactLocation"):
        return 403, "An experiment is made without a folder of its own: its files go to custana's.", again
    return 0, "", again


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip().lower() for key, value in scope["headers"] if key.lower() == name]


async def _refuse(scope: Scope, send: Application, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    if status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"custana: {reason}\n".encode()})


def _unframed(send: Application) -> Application:
    """Tells browsers not to show the page in a frame of another one."""

    async def sending(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", []) if pair[0].lower() != b"x-frame-options"]
            message = {**message, "headers": [*kept, (b"x-frame-options", b"SAMEORIGIN")]}
        await send(message)

    return sending
