"""The dashboard below /ui/ and the API's reference at /docs: files of this package, served from memory, and no other host's.

The dashboard is built by `make ui` (its source is in ui/); without a build /ui/ says how to make one.
"""

import gzip
import hashlib
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from taskflow_hub.http.answers import Plain

# The dashboard's pages, whose addresses are /ui/NAME and /ui/NAME/ID: ui/src/router.ts draws each of them.
PAGES: Final = ("admin", "failures", "queues", "schedules", "tasks", "workers", "workflows")
_HTTP: Final = resources.files("taskflow_hub.http")
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_OWN: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; "
)
# Pictures may stand in a task's result as data. `base` is set by us, below; the only maker of trusted types is Vue.
DASHBOARD: Final = f"{_OWN}img-src 'self' data:; base-uri 'self'; trusted-types vue"
REFERENCE: Final = f"{_OWN}img-src 'self'; base-uri 'none'"
# What browsers keep but ask about each time, so that an upgrade is seen at once; what never changes, for its name would.
ASKED: Final = "no-cache"
FOR_EVER: Final = "public, max-age=31536000, immutable"


class File:
    """One file, in memory, as it is and packed."""

    def __init__(self, name: str, body: bytes, policy: str, *, cache: str = ASKED) -> None:
        self._body, self._policy, self._cache = body, policy, cache
        self._type = _TYPES[name.rpartition(".")[2]]
        self._tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'

    @cached_property
    def _packed(self) -> bytes:
        return gzip.compress(self._body, mtime=0)

    async def answer(self, request: Request) -> Response:
        headers = {"ETag": self._tag, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == self._tag:
            answer = Plain(b"", 304, headers, self._type)
        elif "gzip" in request.headers.get("accept-encoding", ""):
            answer = Plain(self._packed, 200, headers | {"Content-Encoding": "gzip"}, self._type)
        else:
            answer = Plain(self._body, 200, headers, self._type)
        own = {b"cache-control": self._cache.encode(), b"content-security-policy": self._policy.encode()}
        answer.raw_headers = [(name, own.get(name, value)) for name, value in answer.raw_headers]
        return answer


def routes() -> list[Route]:
    return [
        Route("/", _to_dashboard),
        Route("/ui", _to_dashboard),
        *_reference(_HTTP / "page"),
        *_dashboard(_HTTP / "ui", unbuilt=_HTTP / "page" / "unbuilt.html"),
    ]


async def _to_dashboard(request: Request) -> Response:
    """Relative, for a proxy may have put something before it."""
    return Plain(b"", 307, {"Location": "ui/"})


def _reference(folder: Traversable) -> list[Route]:
    def route(path: str, name: str) -> Route:
        return Route(path, File(name, (folder / name).read_bytes(), REFERENCE).answer)

    names = ("docs.css", "docs.js", "dom.js", "icon.svg", "page.css")
    return [route("/docs", "docs.html"), *(route(f"/ui/{name}", name) for name in names)]


def _dashboard(built: Traversable, *, unbuilt: Traversable) -> list[Route]:
    index = built / "index.html"
    if not index.is_file():
        return [Route("/ui/", File("unbuilt.html", unbuilt.read_bytes(), REFERENCE).answer)]
    # Whatever a proxy puts before it, a page knows how deep below /ui/ it is, and so do its relative links.
    page = File("index.html", index.read_bytes(), DASHBOARD)
    deeper = index.read_bytes().replace(b'<base href="./">', b'<base href="../">')
    below = File("index.html", deeper, DASHBOARD)
    hashed = [
        Route(f"/ui/assets/{file.name}", File(file.name, file.read_bytes(), DASHBOARD, cache=FOR_EVER).answer)
        for file in (built / "assets").iterdir()
    ]
    return [
        Route("/ui/", page.answer),
        *hashed,
        Route("/ui/theme.js", File("theme.js", (built / "theme.js").read_bytes(), DASHBOARD).answer),
        *(Route(f"/ui/{name}", page.answer) for name in PAGES),
        *(Route(f"/ui/{name}/{{id}}", below.answer) for name in PAGES),
    ]
