"""The dashboard's files as the hub serves them. What they do in a browser: tests/e2e/test_dashboard*.py."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.support.http_api import Threaded, api_in_thread
from tests.support.ui_types import TYPES, UI, mark_now

from taskflow_hub.http.routes import page

FIRST_LOAD: Final = 200_000  # bytes, packed
BUILT: Final = Path(page.__file__).parents[1] / "ui"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Threaded]:
    with api_in_thread(tmp_path_factory.mktemp("dashboard"), loops=False) as running:
        yield running


@pytest.fixture(scope="module")
def client(served: Threaded) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url) as made:
        yield made


def assets(client: httpx.Client) -> list[str]:
    return re.findall(r'(?:src|href)="\./(assets/[^"]+)"', client.get("/ui/").text)


def test_what_has_its_contents_in_its_name_is_kept_for_ever(client: httpx.Client) -> None:
    assert assets(client)
    for name in assets(client):
        answer = client.get(f"/ui/{name}")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["etag"]
    assert client.get("/ui/").headers["cache-control"] == "no-cache"
    assert client.get("/ui/theme.js").headers["cache-control"] == "no-cache"
    assert client.get("/ui/assets/index-00000000.js").status_code == 404


def test_files_are_packed_for_whoever_can_unpack(client: httpx.Client) -> None:
    script = next(name for name in assets(client) if name.endswith(".js"))
    packed = client.get(f"/ui/{script}", headers={"Accept-Encoding": "br, gzip"})
    plain = client.get(f"/ui/{script}", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


def test_the_first_load_is_small(client: httpx.Client) -> None:
    """With every page, not only the first."""
    files = [BUILT / "index.html", BUILT / "theme.js", *(BUILT / "assets").iterdir()]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < FIRST_LOAD


def test_nothing_is_asked_of_another_host(client: httpx.Client) -> None:
    """Namespaces, and addresses that are shown or only stand in messages, are none."""
    text = "".join(file.read_text() for file in (BUILT / "assets").iterdir())
    for loading in (
        r"""url\(["']?https?:""",
        r"@import",
        r"""import\(["'`]https?:""",
        r"""fetch\(["'`]https?:""",
    ):
        assert not re.search(loading, text)


@pytest.mark.parametrize("path", ["/ui/", "/ui/tasks", "/ui/tasks/x"])
def test_no_script_or_style_but_our_own_files(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["trusted-types"] == "vue"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", answer.text)


def test_a_page_knows_how_deep_it_is(client: httpx.Client) -> None:
    assert '<base href="./">' in client.get("/ui/").text
    assert '<base href="./">' in client.get("/ui/queues").text
    assert '<base href="../">' in client.get("/ui/tasks/018f0000-0000-7000-8000-000000000000").text
    for path in ("/ui/nothing", "/ui/tasks/a/b", "/ui/tasks/", "/ui/assets/"):
        assert client.get(path).status_code == 404


def test_the_server_knows_each_page_and_no_other() -> None:
    routes = (UI / "src" / "router.ts").read_text()
    assert {*re.findall(r'path: "/(\w+)(?:/:\w+\??)?"', routes)} == set(page.PAGES)


def test_its_types_are_those_of_the_api() -> None:
    with TYPES.open() as types:
        assert types.readline().strip() == mark_now(), "make ui-types"


def test_without_a_build_it_says_how_to_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "page").symlink_to(BUILT.parent / "page")
    monkeypatch.setattr(page, "_HTTP", tmp_path)
    with TestClient(Starlette(routes=page.routes())) as client:
        answer = client.get("/")
        assert answer.url.path == "/ui/"
        assert "make ui" in answer.text
        assert client.get("/docs").status_code == 200
        assert client.get("/ui/page.css").status_code == 200


def test_the_lock_names_no_host() -> None:
    assert "resolved" not in (UI / "package-lock.json").read_text()
