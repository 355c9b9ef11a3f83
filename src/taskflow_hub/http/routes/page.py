"""The page at /ui/ and the API's reference at /docs: files of this package, served from memory, and no other host's."""

import hashlib
from importlib import resources
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from taskflow_hub.http.answers import Plain

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    b"form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


_FOLDER: Final = resources.files("taskflow_hub.http") / "page"


class PageFile:
    """One file, which browsers keep but ask about each time (`no-cache`), so that an upgrade is seen at once."""

    def __init__(self, name: str) -> None:
        self._body = (_FOLDER / name).read_bytes()
        self._type = _TYPES[name.rpartition(".")[2]]
        self._tag = f'"{hashlib.sha256(self._body).hexdigest()[:20]}"'

    async def answer(self, request: Request) -> Response:
        same = request.headers.get("if-none-match") == self._tag
        answer = Plain(b"" if same else self._body, 304 if same else 200, {"ETag": self._tag}, self._type)
        instead = {b"cache-control": b"no-cache", b"content-security-policy": _POLICY}
        answer.raw_headers = [(name, instead.get(name, value)) for name, value in answer.raw_headers]
        return answer


def routes() -> list[Route]:
    names = [file.name for file in _FOLDER.iterdir() if file.name.rpartition(".")[2] in _TYPES]
    return [
        Route("/", _to_page),
        Route("/ui", _to_page),
        Route("/ui/", PageFile("index.html").answer),
        Route("/docs", PageFile("docs.html").answer),
        *(Route(f"/ui/{name}", PageFile(name).answer) for name in names if not name.endswith(".html")),
    ]


async def _to_page(request: Request) -> Response:
    return Plain(b"", 307, {"Location": "/ui/"})
