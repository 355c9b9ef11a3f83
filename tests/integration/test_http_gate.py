"""Who may ask: the open loopback API is a target for any page its user visits. It is decided before any store is asked."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from tests.support.http_api import Threaded, api_in_thread

from taskflow_hub.domain.errors import Refused
from taskflow_hub.http.gate import Gate
from taskflow_hub.http.lifetime import Lifetime

PAGE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Threaded]:
    folder, names = tmp_path_factory.mktemp("gate"), ("hub.example", "TASKS.internal")
    with api_in_thread(folder, loops=False, allowed_hosts=names) as running:
        yield running


@pytest.fixture
def client(hub: Threaded) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hub.url) as made:
        yield made


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "localhost:1",
        "127.0.0.1",
        "127.0.0.1:9999",
        "127.8.9.10",
        "[::1]",
        "[::1]:80",
        "hub.example",
        "Hub.Example:443",
        "tasks.internal",
    ],
)
def test_loopback_and_listed_hosts_are_served(hub: Threaded, client: httpx.Client, host: str) -> None:
    assert (client.get("/tasks", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil-localhost",
        "x.localhost",
        "sub.hub.example",
        "0.0.0.0",
        "192.168.0.1",
        "169.254.169.254",
        "[::]",
        "[::1].evil.example",
        "::1",
        "[::1",
        "2130706433",
        "0x7f.1",
        "127.1",
        "localhost:80:80",
        "localhost:port",
        "localhost:",
        "user@localhost",
        "localhost/",
        "",
        ":8080",
        "localhost\xff",
    ],
)
def test_a_rebound_host_is_refused(hub: Threaded, client: httpx.Client, host: str) -> None:
    for method, path in (
        ("GET", "/tasks"),
        ("POST", "/tasks"),
        ("GET", "/ui/"),
        ("GET", "/healthz"),
        ("GET", "/events"),
    ):
        said = [(b"Host", host.encode("latin-1"))]
        answer = client.request(method, path, content=b'{"type": "a"}', headers=said)
        assert (answer.status_code, answer.json()["code"]) == (403, "refused")
    assert hub.count() == 0


@pytest.mark.parametrize(
    ("dialled", "host", "served"),
    [
        ("10.1.0.5", "10.1.0.5:8080", True),
        ("10.1.0.5", "10.1.0.5", True),
        ("::ffff:10.1.0.5", "10.1.0.5:8080", True),
        ("fd00::5", "[fd00::5]:8080", True),
        ("fd00::5", "fd00::5", False),
        ("10.1.0.5", "10.1.0.6:8080", False),
        ("10.1.0.5", "10.1.0.5.evil.example:8080", False),
        ("10.1.0.5", "10.1.0.5:port", False),
        ("10.1.0.5", "[10.1.0.5]:8080", False),
        ("/run/hub.sock", "10.1.0.5", False),
        (None, "10.1.0.5", False),
    ],
)
async def test_the_address_that_was_dialled_is_served_and_no_other(
    dialled: str | None, host: str, served: bool
) -> None:
    """As Prometheus and the probes of containers ask."""
    gate = Gate(PlainTextResponse("served"), allowed_hosts=(), lifetime=Lifetime(max_long=1))
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/readyz",
        "headers": [(b"host", host.encode())],
        "server": None if dialled is None else (dialled, 8080),
    }
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    if served:
        await gate(scope, receive, send)
        assert said[0]["status"] == 200
    else:
        with pytest.raises(Refused):
            await gate(scope, receive, send)
        assert not said


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "file://"},
        {"Origin": "http://127.0.0.1:1"},  # another port is another program
        {"Origin": "http://localhost"},
        {"Origin": "http://evil.example?http://{host}"},
        {"Origin": "http://user@{host}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        },  # a form
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://{host}"},
    ],
)
def test_a_page_of_another_origin_changes_nothing(
    hub: Threaded, client: httpx.Client, headers: dict[str, str]
) -> None:
    host = "{}:{}".format(*hub.hub.address)
    said = {name: value.format(host=host) for name, value in headers.items()}
    for method, path in (
        ("POST", "/tasks"),
        ("POST", "/tasks/batch"),
        ("POST", "/bulk"),
        ("POST", "/queues/a/pause"),
        ("PATCH", "/queues/a"),
        ("DELETE", "/tasks/018f0000-0000-7000-8000-000000000000"),
    ):
        answer = client.request(
            method, path, content=b'{"type": "a"}', headers=said | {"Content-Type": "text/plain"}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "refused")
    assert hub.count() == 0
    assert "a" not in [queue["name"] for queue in client.get("/queues").json()["items"]]


@pytest.mark.parametrize(
    "path", ["/tasks", "/events", "/tasks/018f0000-0000-7000-8000-000000000000/events", "/ui/"]
)
def test_nor_does_it_read(hub: Threaded, client: httpx.Client, path: str) -> None:
    for said in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    ):
        answer = client.get(path, headers=said)
        assert (answer.status_code, answer.json()["code"]) == (403, "refused")
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_preflight_is_refused(hub: Threaded, client: httpx.Client) -> None:
    answer = client.options(
        "/tasks", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert answer.status_code == 403


def test_a_link_may_be_followed_from_anywhere(hub: Threaded, client: httpx.Client) -> None:
    for path in ("/ui/", "/docs", "/tasks"):
        assert (client.get(path, headers={"Sec-Fetch-Site": "cross-site", **PAGE})).status_code == 200


def test_our_own_page_may_do_everything(hub: Threaded, client: httpx.Client) -> None:
    origin = {
        "Origin": hub.url,
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
    }
    queue = "/queues/of-our-own"
    assert client.patch(queue, json={"max_size": None}, headers=origin).status_code == 200
    assert (client.get("/tasks", headers={"Sec-Fetch-Site": "none", **PAGE})).status_code == 200
    behind_a_proxy = {"Host": "hub.example", "Origin": "https://hub.example", "Sec-Fetch-Site": "same-origin"}
    assert client.patch(queue, json={"max_size": None}, headers=behind_a_proxy).status_code == 200


def test_the_page_trusts_nobody(hub: Threaded, client: httpx.Client) -> None:
    answer = client.get("/ui/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = client.get("/ui/", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_root_leads_to_the_page(hub: Threaded, client: httpx.Client) -> None:
    for path in ("/", "/ui"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (307, "ui/")
