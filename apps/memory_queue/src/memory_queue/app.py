"""The service: what each path answers, and the life of the process."""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Any, Final
from urllib.parse import unquote

from memory_queue.config import BadConfig, Config, from_environ
from memory_queue.http1 import Request, Response, Server
from memory_queue.jobqueue import Closed, Full, JobQueue
from memory_queue.processing import Processor, RandomProcessor, Sleep

MAX_ID: Final = 128  # bytes of UTF-8
MAX_RETRIES: Final = 10
# A supervisor signals a whole group, and a wrapper in it passes the signal on: it comes twice and is meant once.
SAME_SIGNAL_S: Final = 1.0

_log: Final = logging.getLogger(__name__)
_JSON: Final = json.JSONDecoder(parse_constant=int)  # NaN and Infinity are no JSON: int() refuses them


def _pages() -> dict[str, Response]:
    """What is served as it is, by path. Nothing else is ever read from the disk, so no path leads out of it."""
    folder = files(__package__) / "pages"
    policy = "Content-Security-Policy: default-src 'self'; img-src data:"

    def page(name: str, content_type: str) -> Response:
        return Response(200, (folder / name).read_bytes(), f"{content_type}; charset=utf-8", (policy,))

    reference = page("reference.html", "text/html")
    return {
        **dict.fromkeys(("/docs", "/docs/", "/swagger", "/swagger/"), reference),
        "/docs/reference.css": page("reference.css", "text/css"),
        "/docs/reference.js": page("reference.js", "text/javascript"),
        "/docs/openapi.json": page("openapi.json", "application/json"),
        # Each JSON document is one in YAML 1.2.
        "/docs/openapi.yaml": page("openapi.json", "application/yaml"),
    }


class App:
    """Answers requests. No method awaits: from the look whether the queue is closed to the put, nothing comes between."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._pages = _pages()

    def handle(self, request: Request) -> Response:
        path = request.path
        if path == "/healthz":
            return Response(200, b"ok")
        if path == "/enqueue":
            return self._enqueue(request) if request.method == "POST" else _not_allowed("POST")
        known = path in self._pages or path == "/stats" or path.startswith("/tasks/")
        if known and request.method not in {"GET", "HEAD"}:
            return _not_allowed("GET, HEAD")
        if path == "/stats":
            return _json(200, {**self._queue.stats(), "accepting": not self._queue.closed})
        if path.startswith("/tasks/"):
            task = self._queue.find(unquote(path.removeprefix("/tasks/")))
            shown = ("id", "status", "attempts", "max_retries")
            return (
                _json(200, {name: getattr(task, name) for name in shown}) if task else _text(404, "not found")
            )
        return self._pages.get(path) or _text(404, "not found")

    def _enqueue(self, request: Request) -> Response:
        if request.body is None:
            return _text(413, "payload too large")
        if self._queue.closed:
            return _text(503, "shutting down")
        try:
            # What comes after the object is ignored, even if it is no UTF-8; within it, `encode` finds what is none.
            body = request.body.decode("utf-8", "surrogateescape").lstrip(" \t\r\n")
            given = _JSON.raw_decode(body)[0]
            id, payload, retries = (given.get(name) for name in ("id", "payload", "max_retries"))
            id_bytes, payload_bytes = (
                (id or "").encode(),
                (payload or "").encode(),
            )  # neither is longer than the body
            retries = 0 if retries is None else retries
        except (ValueError, AttributeError, RecursionError):
            return _text(400, "bad request")
        if not isinstance(id, str | None) or not isinstance(payload, str | None) or type(retries) is not int:
            return _text(400, "bad request")
        if not id:
            return _text(400, "id required")
        if len(id_bytes) > MAX_ID:
            return _text(400, "id too long")
        if not 0 <= retries <= MAX_RETRIES:
            return _text(400, f"max_retries must be between 0 and {MAX_RETRIES}")
        try:
            self._queue.enqueue(id, payload_bytes, retries)
        except Closed:
            return _text(503, "queue closed")
        except Full:
            return _text(429, "queue full")
        return _json(202, {"status": "queued"})


def _text(status: int, text: str, *fields: str) -> Response:
    return Response(status, f"{text}\n".encode(), fields=fields)


def _not_allowed(methods: str) -> Response:
    return _text(405, "method not allowed", f"Allow: {methods}")


def _json(status: int, value: dict[str, Any]) -> Response:
    return Response(status, json.dumps(value, separators=(",", ":")).encode() + b"\n", "application/json")


def _pairs(values: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


async def run(config: Config, processor: Processor, *, sleep: Sleep = asyncio.sleep, **bounds: float) -> int:
    """Serve until a signal has asked to stop and every accepted task has ended; the exit status.

    A second signal gives up what has not ended, and the status is that of a process killed by it.
    """
    queue = JobQueue(processor, workers=config.workers, size=config.queue_size, sleep=sleep)
    server = Server(App(queue).handle, **bounds)
    loop = asyncio.get_running_loop()
    asked, forced = loop.create_future(), loop.create_future()

    def on_signal(number: int) -> None:
        if not asked.done():
            queue.close()
            asked.set_result(time.monotonic())
            _log.info("shutting down %s", _pairs(queue.stats()))
        elif not forced.done() and time.monotonic() - asked.result() > SAME_SIGNAL_S:
            forced.set_result(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    try:
        port = await server.open(config.host, config.port)
    except (OSError, UnicodeError) as error:
        sys.exit(f"Cannot listen on {config.host}:{config.port}: {error}. Choose another HOST or PORT")
    queue.start()
    _log.info("listening on http://%s:%d %s", config.host, port, _pairs(asdict(config)))
    await asked
    drained = asyncio.create_task(queue.drain())
    await asyncio.wait((drained, forced), return_when=asyncio.FIRST_COMPLETED)
    await server.close()  # last: until now it told who asked that nothing is accepted any more
    _log.info("stopped %s", _pairs(queue.stats()))
    return 0 if drained.done() else 128 + int(forced.result())


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        config = from_environ(os.environ)
    except BadConfig as error:
        sys.exit(str(error))
    sys.exit(asyncio.run(run(config, RandomProcessor(config.error_rate))))
