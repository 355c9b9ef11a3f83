"""The client for code without an event loop."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, assert_never

import httpx

from taskflow_hub.client import transport
from taskflow_hub.client.api import Api, server_url
from taskflow_hub.client.bearer import KeySource, key_or_variable
from taskflow_hub.client.conversation import Manner
from taskflow_hub.client.faces import like
from taskflow_hub.client.plan import (
    Broken,
    Close,
    Emit,
    Flow,
    Open,
    Plan,
    Read,
    Request,
    Response,
    Send,
    Sleep,
    Step,
)

P = ParamSpec("P")
T = TypeVar("T")


def _method(plan: Callable[Concatenate[Api, P], Plan[T]]) -> Callable[Concatenate["SyncClient", P], T]:
    def method(self: "SyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(plan(self._api, *args, **kwargs))

    return like(plan, method)


def _iterator(
    flow: Callable[Concatenate[Api, P], Flow[T]],
) -> Callable[Concatenate["SyncClient", P], Generator[T, None, None]]:
    def method(self: "SyncClient", /, *args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
        return self._iterate(flow(self._api, *args, **kwargs))

    return like(flow, method, Iterator)


class SyncClient:
    """Talks to a hub over HTTP; every call blocks. May be shared by threads.

        with SyncClient() as client:
            task = client.submit("web.title", {"url": "https://example.com"})
            print(client.result(task.id, timeout=30))

    `server` is the hub's address (default: TASKFLOW_SERVER, else http://127.0.0.1:8080), `key` an API key, or the access
    token of a login, to present to it (default: TASKFLOW_KEY; "": none), `timeout` the seconds an answer may take, `retries`
    how often a request that can be repeated safely is sent again.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        key: KeySource | None = None,
        timeout: float = 30.0,
        retries: int = 5,
    ) -> None:
        self.server = server_url(server)
        self._api = Api(self.server, Manner(retries=retries, read_timeout_s=timeout))
        self._lines = _Lines(transport.options(self.server, key_or_variable(key), timeout), timeout)

    submit = _method(Api.submit)
    submit_many = _method(Api.submit_many)
    get = _method(Api.get)
    explain = _method(Api.explain)
    list = _iterator(Api.search)
    wait = _method(Api.wait)
    result = _method(Api.result)
    cancel = _method(Api.cancel)
    redrive = _method(Api.redrive)
    promote = _method(Api.promote)
    update = _method(Api.update)
    delete = _method(Api.delete)
    attempts = _method(Api.attempts)
    send_event = _method(Api.send_event)
    steps = _iterator(Api.steps)
    logs = _iterator(Api.logs)
    events = _iterator(Api.events)
    queues = _method(Api.queues)
    pause = _method(Api.pause)
    resume = _method(Api.resume)
    update_queue = _method(Api.update_queue)
    purge = _method(Api.purge)
    workers = _method(Api.workers)
    drain = _method(Api.drain)
    task_types = _method(Api.task_types)
    limits = _iterator(Api.limits)
    set_limit = _method(Api.set_limit)
    quota = _method(Api.quota)
    quotas = _iterator(Api.quotas)
    set_quota = _method(Api.set_quota)
    create_schedule = _method(Api.create_schedule)
    schedule = _method(Api.schedule)
    schedules = _iterator(Api.schedules)
    update_schedule = _method(Api.update_schedule)
    delete_schedule = _method(Api.delete_schedule)
    pause_schedule = _method(Api.pause_schedule)
    resume_schedule = _method(Api.resume_schedule)
    trigger = _method(Api.trigger)
    backfill = _method(Api.backfill)
    preview_schedule = _method(Api.preview_schedule)
    fires = _iterator(Api.fires)
    submit_workflow = _method(Api.submit_workflow)
    workflow = _method(Api.workflow)
    workflows = _iterator(Api.workflows)
    workflow_items = _iterator(Api.workflow_items)
    workflow_events = _iterator(Api.workflow_events)
    wait_workflow = _method(Api.wait_workflow)
    workflow_result = _method(Api.workflow_result)
    cancel_workflow = _method(Api.cancel_workflow)
    redrive_workflow = _method(Api.redrive_workflow)
    delete_workflow = _method(Api.delete_workflow)
    bulk = _method(Api.bulk)
    bulk_status = _method(Api.bulk_status)
    bulk_abort = _method(Api.bulk_abort)
    audit = _iterator(Api.audit)
    login = _method(Api.login)
    refresh = _method(Api.refresh)
    logout = _method(Api.logout)
    register = _method(Api.register)
    change_password = _method(Api.change_password)
    me = _method(Api.me)
    create_key = _method(Api.create_key)
    keys = _method(Api.keys)
    revoke_key = _method(Api.revoke_key)
    users = _method(Api.users)
    add_user = _method(Api.add_user)
    set_role = _method(Api.set_role)

    def close(self) -> None:
        """Let go of every connection. Twice is harmless."""
        self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.server!r})"

    def _exchange(self) -> "_Exchange":
        return _Exchange(self._lines)

    def _run(self, plan: Plan[T]) -> T:
        exchange = self._exchange()
        reply: Any = None
        failure: Broken | None = None
        try:
            while True:
                step = plan.throw(failure) if failure else plan.send(reply)
                reply, failure = exchange.attempt(step)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            exchange.close()
            plan.close()

    def _iterate(self, flow: Flow[T]) -> Generator[T, None, None]:
        exchange = self._exchange()
        reply: Any = None
        failure: Broken | None = None
        try:
            while True:
                step = flow.throw(failure) if failure else flow.send(reply)
                reply, failure = None, None
                if isinstance(step, Emit):
                    yield step.item
                else:
                    reply, failure = exchange.attempt(step)
        except StopIteration:
            return
        finally:
            exchange.close()
            flow.close()


class _Lines:
    """Connections: a few for requests, which take turns, and others for what lasts long."""

    def __init__(self, options: dict[str, Any], read_timeout_s: float) -> None:
        self.short, self.long = httpx.Client(**options), httpx.Client(**options)
        self.turns = threading.BoundedSemaphore(transport.MAX_REQUESTS)
        self.places = threading.BoundedSemaphore(transport.MAX_LONG)
        self.read_timeout_s = read_timeout_s

    def close(self) -> None:
        self.short.close()
        self.long.close()

    def build(self, request: Request) -> httpx.Request:
        return self.short.build_request(**transport.request_options(request, self.read_timeout_s))


class _Exchange:
    """Performs the steps of one plan, and holds the stream it may have open."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._stream: httpx.Response | None = None
        self._chunks: Iterator[bytes] | None = None

    def attempt(self, step: Step) -> tuple[Any, Broken | None]:
        """What came of the step, or how the connection failed."""
        try:
            return self._perform(step), None
        except httpx.HTTPError as error:
            return None, transport.broken(error)

    def close(self) -> None:
        stream, self._stream, self._chunks = self._stream, None, None
        if stream is not None:
            self._lines.places.release()
            stream.close()

    def _perform(self, step: Step) -> Any:
        match step:
            case Send(request):
                return self._send(request)
            case Open(request):
                return self._open(request)
            case Read():
                return next(self._chunks, b"") if self._chunks else b""
            case Close():
                return self.close()
            case Sleep(seconds):
                return time.sleep(seconds)
            case _:
                assert_never(step)

    def _send(self, request: Request) -> Response:
        lines = self._lines
        if request.held and lines.places.acquire(blocking=False):
            try:
                response = lines.long.send(lines.build(request))
            finally:
                lines.places.release()
        else:
            with lines.turns:
                at_once = transport.at_once(request) if request.held else request
                response = lines.short.send(lines.build(at_once))
        return transport.answer(response, response.content)

    def _open(self, request: Request) -> Response | None:
        self.close()
        lines = self._lines
        if not lines.places.acquire(blocking=False):
            return None
        try:
            stream = lines.long.send(lines.build(request), stream=True)
        except BaseException:
            lines.places.release()
            raise
        self._stream, self._chunks = stream, stream.iter_bytes()
        if stream.status_code < 400:
            return transport.answer(stream, b"")
        body = stream.read()
        self.close()
        return transport.answer(stream, body)
