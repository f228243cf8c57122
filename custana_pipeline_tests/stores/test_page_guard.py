import asyncio
import json
from typing import Any

import pytest

from custana_pipeline.stores.page_guard import PageGuard, allowed_hosts

OURS = "127.0.0.1:3000"
CREATE = "/api/2.0/mlflow/experiments/create"


def answer(
    method: str = "GET",
    address: str = "/",
    body: bytes = b"",
    read_only: bool = False,
    kind: str = "http",
    **headers: str | list[str],
) -> int:
    """The status of the answer; 200 where the request reaches the application whole, and 1008 for a closed socket."""
    path, _, query = address.partition("?")
    told = {"host": OURS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    pairs = [
        (name.encode(), each.encode())
        for name, value in told.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    scope: dict[str, Any] = {"type": kind, "path": path, "query_string": query.encode(), "headers": pairs}
    if kind == "http":
        scope["method"] = method
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == body
        await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Frame-Options", b"ALLOWALL")]})

    asyncio.run(PageGuard(application, allowed_hosts(3000, ["shop.example"]), read_only)(scope, receive, send))
    first = sent[0]
    if first.get("status") == 200:
        assert [value for name, value in first["headers"] if name.lower() == b"x-frame-options"] == [b"SAMEORIGIN"]
    return first.get("status") or first["code"]


@pytest.mark.parametrize("host", [OURS, "localhost:3000", "[::1]:3000", "LOCALHOST:3000", "shop.example"])
def test_our_own_names_are_answered(host: str) -> None:
    assert answer(host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:3000",
        "127.0.0.1",
        "127.0.0.1:5000",
        "localhost.evil.example:3000",
        "",
        "0.0.0.0:3000",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
def test_any_other_name_is_refused(host: str, method: str) -> None:
    assert answer(method, host=host) == 403


def test_two_names_or_none_are_refused() -> None:
    assert answer(host=[OURS, "evil.example"]) == 403
    assert answer(host=[]) == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:5000", "http://localhost", "file://"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_another_pages_script_is_refused(origin: str, method: str) -> None:
    assert answer(method, "/graphql", origin=origin) == 403


def test_our_own_page_may_post_and_subscribe() -> None:
    assert answer("POST", "/graphql", origin=f"http://{OURS}", sec_fetch_site="same-origin") == 200
    assert answer("POST", "/graphql", host="shop.example", origin="https://shop.example") == 200
    assert answer(kind="websocket", address="/graphql", origin=f"http://{OURS}") == 200


def test_a_program_on_this_machine_may_post() -> None:
    assert answer("POST", "/graphql") == 200


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"host": "evil.example"}])
def test_another_pages_socket_is_closed_before_it_opens(headers: dict[str, str]) -> None:
    assert answer(kind="websocket", address="/graphql", **headers) == 1008


def test_a_form_of_another_page_is_refused_even_without_an_origin() -> None:
    assert answer("POST", "/graphql?query=mutation", sec_fetch_site="cross-site") == 403


@pytest.mark.parametrize("address", ["/graphql?query=mutation{x}", "/graphql/?query={x}", "//graphql?a=b"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_cannot_ask_graphql(method: str, address: str) -> None:
    assert answer(method, address) == 405


@pytest.mark.parametrize(
    "address", ["/", "/graphql", "/runs?q=status", "/server_info", "/assets/raw/x?view=definition"]
)
def test_the_pages_own_addresses_are_answered(address: str) -> None:
    assert answer(address=address) == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_starts_programs_or_calls_others_is_shut(method: str) -> None:
    assert answer(method, "/ajax-api/3.0/mlflow/assistant/message") == 403
    assert answer(method, "/gateway/chat/invocations") == 403


def test_an_address_may_not_lead_upwards() -> None:
    assert answer(address="/logs/../../../etc/passwd.out") == 403


@pytest.mark.parametrize("field", ["artifact_location", "artifactLocation"])
@pytest.mark.parametrize("prefix", ["", "/proxy"])
def test_an_experiment_may_not_bring_a_folder(field: str, prefix: str) -> None:
    body = json.dumps({"name": "x", field: "file:///etc"}).encode()
    assert answer("POST", prefix + CREATE, body) == 403


def test_an_experiment_without_a_folder_reaches_mlflow_whole() -> None:
    assert answer("POST", CREATE, b'{"name": "x"}') == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b" " * 1_000_001])
def test_an_experiment_that_cannot_be_judged_is_refused(body: bytes) -> None:
    assert answer("POST", CREATE, body) == 403


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("POST", "/ajax-api/2.0/mlflow/runs/search", 200),
        ("POST", "/ajax-api/2.0/mlflow/runs/delete", 403),
        ("POST", "/ajax-api/2.0/mlflow/runs/log-batch", 403),
        ("PATCH", "/ajax-api/2.0/mlflow/model-versions/update", 403),
        ("DELETE", "/ajax-api/2.0/mlflow/registered-models/search", 403),
        ("GET", "/ajax-api/2.0/mlflow/experiments/get", 200),
    ],
)
def test_a_read_only_page_only_reads(method: str, address: str, status: int) -> None:
    assert answer(method, address, read_only=True) == status


def test_what_is_no_request_passes() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(PageGuard(application, frozenset())({"type": "lifespan"}, send, send))
    assert sent == [{"type": "lifespan.startup.complete"}]
