"""What a browser that is led astray, or another machine, can do to the pages of Dagster and MLflow."""

import base64
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from custana_pipeline.selftest.orchestration.pages import Pages, request
from custana_pipeline.selftest.trial import expect

_LISTENS = "0A"
_LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
_MUTATION = '{"query": "mutation { wipeAssets(assetPartitionRanges: []) { __typename } }"}'
_QUERY = '{"query": "{ __typename }"}'
_LINK = "/graphql?query=mutation%7BwipeAssets(assetPartitionRanges:%5B%5D)%7B__typename%7D%7D"
_JSON = {"Content-Type": "application/json"}


def judge_pages(pages: Pages) -> None:
    """Unmet where a page listens elsewhere than on loopback, or lets another page's request through."""
    outside = listening_outside(pages.processes())
    expect(not outside, f"something listens beyond loopback: {', '.join(outside)}")
    dagster, mlflow = pages.url, f"http://127.0.0.1:{pages.mlflow_port}"
    for url, address in ((dagster, "/graphql"), (mlflow, "/ajax-api/2.0/mlflow/runs/search")):
        body = (_QUERY if url == dagster else '{"experiment_ids": ["0"]}').encode()
        own = _status(url + address, body, {"Origin": url})
        expect(own == 200, f"the page's own request was answered with {own}")
        expect(_status(url + "/", None, {}) == 200, "the page itself was refused")
        for name, headers in _astray().items():
            status = _status(url + address, body, headers)
            expect(status in (403, 405), f"{name} was answered with {status} by {url}{address}")
    expect(_status(dagster + _LINK, None, {}) in (403, 405), "a link may change something in Dagster")
    made = json.dumps({"name": "elsewhere", "artifact_location": "file:///etc"}).encode()
    status = _status(f"{mlflow}/api/2.0/mlflow/experiments/create", made, {})
    expect(status == 403, f"an experiment below /etc was answered with {status}")
    _judge_sockets(pages)


def listening_outside(processes: list[int]) -> list[str]:
    """The addresses beyond loopback at which these processes listen, as /proc writes them."""
    inodes = {name for pid in processes for name in _socket_inodes(pid)}
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and fields[9] in inodes and fields[1].partition(":")[0] not in _LOOPBACK:
                found.append(fields[1])
    return found


def _socket_inodes(pid: int) -> list[str]:
    found = []
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(entry)  # noqa: PTH115 - the target is no path
            if target.startswith("socket:["):
                found.append(target[len("socket:[") : -1])
    except OSError:
        return found
    return found


def _astray() -> dict[str, Mapping[str, str]]:
    """Requests that a browser on this machine can be led to make."""
    return {
        "a name that was pointed at loopback": {"Host": "evil.example"},
        "another page's script": {"Origin": "https://evil.example"},
        "a script of a file": {"Origin": "null"},
        "a page on another port": {"Origin": "http://127.0.0.1:1"},
        "another page's form": {"Sec-Fetch-Site": "cross-site"},
    }


def _status(url: str, body: bytes | None, headers: Mapping[str, str]) -> int:
    return request(url, "GET" if body is None else "POST", body, {**_JSON, **headers}).status


def _judge_sockets(pages: Pages) -> None:
    """The page's own web socket opens, another page's does not."""
    for origin, wanted in ((pages.url, b" 101 "), ("https://evil.example", b" 403 ")):
        key = base64.b64encode(bytes(16)).decode()
        asked = (
            f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{pages.dagster_port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: graphql-ws\r\nOrigin: {origin}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", pages.dagster_port), timeout=30) as line:
            line.sendall(asked.encode())
            first = line.recv(200).split(b"\r\n")[0]
        expect(wanted in first + b" ", f"a web socket of {origin} was answered with {first.decode(errors='replace')}")
