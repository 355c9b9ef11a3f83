"""The user's face: register handlers, submit tasks, look at them. Composes; the verbs live in the engine."""

import asyncio
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast, overload

import msgspec
from msgspec import Raw

from taskflow_hub import tracing
from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import Invalid, Misconfigured, NotAllowed, NotFound
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import BATCH_MAX
from taskflow_hub.domain.model import (
    DEFAULT_ACCOUNT,
    DEFAULT_MAX_RETRIES,
    DEFAULT_QUEUE,
    DEFAULT_TIMEOUT_S,
    NO_TERMS,
    Task,
    Terms,
)
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.shapes import ID_PATTERN, IN_WORDS
from taskflow_hub.domain.steps import Event
from taskflow_hub.domain.submission import NO_PARAMETERS, Limit, Submission, check_texts
from taskflow_hub.domain.workflow import WorkflowSubmission, read, types_in
from taskflow_hub.domain.workflow_view import Workflow as WorkflowView
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.hub.bound import BoundHandler, Connection, SubmitOptions
from taskflow_hub.hub.decorator import LooseHandler, TaskDecorator
from taskflow_hub.hub.handle import TaskHandle
from taskflow_hub.hub.workflow import NOTHING, Workflow
from taskflow_hub.hub.workflow_handle import WorkflowHandle
from taskflow_hub.secrets.keyring import Keyring
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.schedules import ScheduleOptions

if TYPE_CHECKING:
    from taskflow_hub.engine.engine import Engine
    from taskflow_hub.settings import Settings
    from taskflow_hub.store.values import Idempotency

H = TypeVar("H", bound=BoundHandler[..., Any] | LooseHandler[Any, Any] | Workflow)
MAX_KEY: Final = 255
_read_back: Final = msgspec.json.Decoder(Submission).decode
_NOT_OF_THE_TASK: Final = frozenset({"idempotency_key", "connection"})  # options of the submit itself


def _module_of_caller() -> str | None:
    """Of whoever makes a Hub: what the program is called, however it is started."""
    frame = sys._getframe(2)
    name, spec = frame.f_globals.get("__name__"), frame.f_globals.get("__spec__")
    if name != "__main__":
        return name
    return None if spec is None else str(spec.name)


class Hub:
    """Handlers on one side, submits on the other; the database is the same.

    Settings come from `taskflow.toml` and `TASKFLOW_*`; `database_url` beats both. Nothing is opened before the first
    submit or look, which goes straight to the database: no server is needed for it, a process running
    `taskflow up --app module:hub` does the work. Use it as `async with hub:` or call `close` at the end.
    One Hub serves one event loop at a time.
    """

    def __init__(self, database_url: str | None = None) -> None:
        self.registry = Registry(_module_of_caller())
        self.database_url = database_url  # None: as the settings say
        self._attached: Engine | None = None
        self._engine: Engine | None = None
        self._home: asyncio.AbstractEventLoop | None = None  # where it was opened
        self._undo, self._opening = AsyncExitStack(), asyncio.Lock()
        # Whether only registered types may be submitted, and the keys; once the settings are read.
        self._within: tuple[bool, Keyring] | None = None

    # --- handlers

    def task(
        self,
        type: str,
        *,
        queue: str = DEFAULT_QUEUE,
        cpu: bool = False,
        max_retries: int | None = DEFAULT_MAX_RETRIES,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - immutable
        timeout: float | None = DEFAULT_TIMEOUT_S,
        on_lost: Literal["retry", "fail"] = "retry",
        limits: Iterable[Limit] = (),
        description: str | None = None,
    ) -> TaskDecorator:
        """Make a function the handler of a task type; its parameters are the payload's fields.

        `async def` runs on the event loop, `def` in a thread, `def` with `cpu=True` in a process of its own. A parameter
        annotated `Context` is given the attempt's context. `queue` is where tasks go that name none; the other options are
        the defaults of such tasks, over HTTP too. `on_lost="fail"`: when the worker dies in the middle, a person decides.
        `limits` hold for every task of the type, beside its own; `{name}` in a key is that field of the payload.
        Raises Misconfigured for a bad name or option, a type that is taken, or a signature that cannot be a payload.
        """

        def decorate(handler: Callable[..., Any]) -> Any:
            added = self.registry.add(
                type,
                handler,
                queue=queue,
                cpu=cpu,
                max_retries=max_retries,
                retry=retry,
                timeout=timeout,
                on_lost=on_lost,
                limits=limits,
                description=description,
            )
            return BoundHandler[..., Any](self, added)

        return cast(TaskDecorator, decorate)

    def schedule(
        self,
        cron: str | None = None,
        *,
        every: float | str | None = None,
        tz: str = "UTC",
        name: str | None = None,
        payload: Mapping[str, Any] | None = None,
        input: Any = NOTHING,
        overlap: Literal["allow", "skip", "queue_one"] = "skip",
        catch_up: Literal["none", "last", "all"] = "none",
        catch_up_limit: int = 100,
        jitter: float = 0.0,
        start_at: datetime | None = None,
        end_at: datetime | None = None,
        queue: str | None = None,
        priority: int | None = None,
        tags: Iterable[str] = (),
    ) -> Callable[[H], H]:
        """Submit a task of the handler below at every tick: `@hub.schedule("*/5 * * * *")` above `@hub.task(…)`. Or a workflow,
        once all its nodes are there: `hub.schedule("0 3 * * *")(flow)`.

        `cron` has five fields, or six with the seconds first, read in the zone `tz`; or `every` so often: seconds, or a text
        such as "5m". `payload` is what the handler is called with, and `input` what INPUT refers to in a workflow; left out
        it is the tick. `jitter` puts each task off by up to so many seconds. `name` defaults to the task type, or to the
        workflow's name; schedules that have one keep their history and an operator's pause when code moves.
        The hub is kept in step when a worker starts: new ones are made, changed ones changed, and those of this worker's types
        that are declared no more are removed. Raises Misconfigured.
        """
        given: dict[str, Any] = {
            "every": every,
            "name": name,
            "payload": payload,
            "start_at": start_at,
            "end_at": end_at,
            "queue": queue,
            "priority": priority,
        }
        options = {name: value for name, value in given.items() if value is not None}
        options |= {
            "tz": tz,
            "overlap": overlap,
            "catch_up": catch_up,
            "catch_up_limit": catch_up_limit,
            "jitter": jitter,
            **({"tags": tags} if tags else {}),
        }

        def decorate(what: H) -> H:
            type = getattr(what, "type", None)
            if isinstance(what, Workflow):
                self.registry.schedule(what.submission(input), cron, **cast(ScheduleOptions, options))
            elif not isinstance(type, str):
                raise Misconfigured(
                    "put @hub.schedule above @hub.task: it is for a task type or a workflow, not for a function"
                )
            elif input is not NOTHING:
                raise Misconfigured(
                    f"task type {type!r}: `input` is for workflows; a handler is called with `payload`"
                )
            else:
                self.registry.schedule(type, cron, **cast(ScheduleOptions, options))
            return what

        return decorate

    # --- submits

    @overload
    async def submit(
        self,
        type: str,
        payload: Mapping[str, Any] | None = None,
        *,
        options: SubmitOptions | None = None,
        connection: Connection | None = None,
    ) -> TaskHandle[Any]: ...
    @overload
    async def submit(self, type: Workflow, /) -> WorkflowHandle: ...
    async def submit(
        self,
        type: str | Workflow,
        payload: Mapping[str, Any] | None = None,
        *,
        options: SubmitOptions | None = None,
        connection: Connection | None = None,
    ) -> TaskHandle[Any] | WorkflowHandle:
        """Commit a task of any type, known here or not, or a workflow. Prefer a handler's own `submit`, which is type-checked,
        and for a workflow that has input, or is given a key, its own.

        With a `connection` it is part of the transaction that is open there (hub/bound.py says which may be given).
        """
        if isinstance(type, Workflow):
            return await type.submit(self)
        given: SubmitOptions = options or {}
        if connection is not None:
            given = {**given, "connection": connection}
        return await self.submit_one(type, jsontext.encode(payload or {}, "/payload"), given)

    async def submit_many(
        self,
        submissions: Iterable[Submission],
        *,
        idempotency_key: str | None = None,
        connection: Connection | None = None,
    ) -> list[TaskHandle[Any]]:
        """Commit tasks of any types, all of them or none, in one transaction; at most 10 000."""
        wanted = [_checked(one, f"/tasks/{index}") for index, one in enumerate(submissions)]
        return await self._submit_all(wanted, idempotency_key, connection)

    async def submit_workflow(
        self, wanted: WorkflowSubmission, *, idempotency_key: str | None = None
    ) -> WorkflowHandle:
        """Commit a workflow that was read from JSON, or made by `Workflow.submission`. Raises Invalid, naming the nodes."""
        from taskflow_hub.bootstrap import operator

        body = msgspec.Raw(msgspec.json.encode(wanted))
        idempotency = (
            None
            if idempotency_key is None
            else _fingerprint("hub.submit_workflow", idempotency_key, msgspec.json.decode(body))
        )
        engine = await self._opened()
        workflow, _ = await engine.workflows.submit(
            read(bytes(body)),
            idempotency=idempotency,
            traceparent=tracing.carried(),
            known=self._known_of(types_in(wanted)),
            by=operator(),
        )
        return WorkflowHandle(self, workflow.id)

    async def submit_one(self, type: str, payload: Raw, options: SubmitOptions) -> TaskHandle[Any]:
        wanted = _submission(type, payload, options)
        key, connection = options.get("idempotency_key"), options.get("connection")
        return (await self._submit([wanted], key, connection, [""]))[0]

    async def submit_batch(
        self, type: str, payloads: Sequence[Raw], options: SubmitOptions
    ) -> list[TaskHandle[Any]]:
        alike = _submission(type, NO_PARAMETERS, options)
        wanted = [msgspec.structs.replace(alike, payload=payload) for payload in payloads]
        return await self._submit_all(wanted, options.get("idempotency_key"), options.get("connection"))

    async def _submit_all(
        self, wanted: Sequence[Submission], key: str | None, connection: Connection | None
    ) -> list[TaskHandle[Any]]:
        if len(wanted) > BATCH_MAX:
            raise Invalid(f"A batch holds at most {BATCH_MAX} tasks, this one has {len(wanted)}.")
        if not wanted:
            return []
        pointers = [f"/tasks/{index}" for index in range(len(wanted))]
        return await self._submit(wanted, key, connection, pointers)

    async def _submit(
        self,
        wanted: Sequence[Submission],
        key: str | None,
        connection: Connection | None,
        pointers: Sequence[str],
    ) -> list[TaskHandle[Any]]:
        idempotency = None if key is None else _idempotency(key, wanted)
        if connection is not None:
            ids = await self._submit_within(connection, wanted, idempotency, pointers)
            return [TaskHandle(self, id) for id in ids]
        engine = await self._opened()
        submitted = await engine.tasks.submit(
            wanted,
            idempotency=idempotency,
            traceparent=tracing.carried(),
            pointers=pointers,
            known=self._known_of({one.type for one in wanted}),
        )
        return [TaskHandle(self, task.id) for task in submitted.tasks]

    async def _submit_within(
        self,
        connection: Connection,
        wanted: Sequence[Submission],
        idempotency: "Idempotency | None",
        pointers: Sequence[str],
    ) -> Sequence[str]:
        """Nothing is opened for it: all that is needed is on the caller's connection."""
        from taskflow_hub.bootstrap import place_on
        from taskflow_hub.engine.within import submit_within

        if self._within is None:
            settings = self._settings()
            self._within = settings.engine.strict_types, Keyring.of(settings.secrets.keys)
        strict, keyring = self._within
        return await submit_within(
            await place_on(connection),
            wanted,
            strict=strict,
            idempotency=idempotency,
            pointers=pointers,
            known=self._terms_of({one.type for one in wanted}),
            keyring=keyring,
        )

    def _known_of(self, types: Iterable[str]) -> dict[str, Terms]:
        return {type: terms for type, terms in self._terms_of(types).items() if terms != NO_TERMS}

    def _terms_of(self, types: Iterable[str]) -> dict[str, Terms]:
        """What handlers that are registered here declare; a worker may have yet to."""
        handlers = {type: self.registry.get(type) for type in types}
        return {type: handler.terms for type, handler in handlers.items() if handler}

    # --- looking

    def handle(self, task_id: str) -> TaskHandle[Any]:
        """A handle on a task that was submitted elsewhere or earlier. Raises Invalid for what cannot be an id."""
        if not re.fullmatch(ID_PATTERN, task_id):
            raise Invalid.field("/task_id", IN_WORDS[ID_PATTERN])
        return TaskHandle(self, task_id)

    def workflow(self, workflow_id: str) -> WorkflowHandle:
        """A handle on a workflow that was submitted elsewhere or earlier. Raises Invalid for what cannot be an id."""
        if not re.fullmatch(ID_PATTERN, workflow_id):
            raise Invalid.field("/workflow_id", IN_WORDS[ID_PATTERN])
        return WorkflowHandle(self, workflow_id)

    async def read_workflow(self, workflow_id: str) -> WorkflowView:
        """Raises NotFound."""
        return await (await self._opened()).workflows.get(DEFAULT_ACCOUNT, workflow_id)

    async def wait_workflow(self, workflow_id: str, wait_s: float) -> WorkflowView:
        """The workflow, once it has ended or `wait_s` seconds have passed. Raises NotFound."""
        return await (await self._opened()).workflows.wait(DEFAULT_ACCOUNT, workflow_id, wait_s)

    async def cancel_workflow(self, workflow_id: str) -> WorkflowView:
        """Raises NotFound; NotAllowed when it ended otherwise, and for a sub-workflow."""
        from taskflow_hub.bootstrap import operator

        engine = await self._opened()
        workflow = await engine.workflows.cancel(DEFAULT_ACCOUNT, workflow_id, by=operator())
        if workflow.status not in {WorkflowState.CANCELLED, WorkflowState.RUNNING}:
            raise NotAllowed(f"Workflow {workflow_id} has already ended: {workflow.status}.")
        return workflow

    async def redrive_workflow(self, workflow_id: str) -> WorkflowView:
        """Raises NotFound, NotAllowed."""
        from taskflow_hub.bootstrap import operator

        engine = await self._opened()
        return await engine.workflows.redrive(DEFAULT_ACCOUNT, workflow_id, by=operator())

    async def read(self, task_id: str) -> Task:
        """Raises NotFound."""
        return await (await self._opened()).queries.task(DEFAULT_ACCOUNT, task_id)

    async def wait(self, task_id: str, wait_s: float) -> Task:
        """The task, once it is final or `wait_s` seconds have passed. Raises NotFound."""
        return await (await self._opened()).tasks.wait(DEFAULT_ACCOUNT, task_id, wait_s)

    async def cancel(self, task_id: str) -> Task:
        """Cancel, or ask a running task to end. Raises NotFound, NotAllowed when it ended otherwise."""
        from taskflow_hub.bootstrap import operator

        engine = await self._opened()
        [task] = await engine.tasks.cancel(DEFAULT_ACCOUNT, [task_id], by=operator())
        if task is None:
            raise NotFound(f"There is no task {task_id}.")
        if task.status not in {State.CANCELLED, State.RUNNING}:
            raise NotAllowed(f"Task {task_id} has already ended: {task.status}.")
        return task

    async def send_event(self, task_id: str, name: str, payload: object = None) -> Event:
        """Send a task an event, for which its handler waits or will (`ctx.wait_event`); `payload` is anything that JSON has.

        The first of a name is what the handler gets, and what is answered to all later ones, with `accepted` False. Raises
        NotFound, NotAllowed for a task that has ended, Invalid.
        """
        from taskflow_hub.bootstrap import operator

        id, text = self.handle(task_id).id, bytes(jsontext.encode(payload, ""))
        engine = await self._opened()
        event = await engine.steps.send_event(DEFAULT_ACCOUNT, id, name, text, by=operator())
        return msgspec.structs.replace(event, payload=msgspec.json.decode(event.payload))

    async def result_text(self, task: Task) -> bytes:
        """The result's JSON text, wherever it lies. Raises Gone when it has been removed."""
        if task.result_ref is not None:
            engine = await self._opened()
            return b"".join([chunk async for chunk in await engine.results.read(task.result_ref)])
        return b"null" if task.result is None else bytes(task.result)

    # --- life

    async def __aenter__(self) -> "Hub":
        await self._opened()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the database, if it was opened here. Twice is harmless; a later submit opens it again."""
        self._engine = None
        await self._undo.aclose()

    def attach(self, engine: "Engine | None") -> None:
        """Submit through a running process's engine from now on, instead of opening the database once more; None: no longer."""
        self._attached = engine

    async def _opened(self) -> "Engine":
        if self._attached is not None:
            return self._attached
        if self._home is not None and self._home.is_closed():
            # That asyncio.run ended without `close`, and took what was open with it.
            self._engine, self._home = None, None
            self._undo, self._opening = AsyncExitStack(), asyncio.Lock()
        if self._engine is None:
            async with self._opening:
                if self._engine is None:
                    from taskflow_hub.bootstrap import open_engine

                    engine, _ = await self._undo.enter_async_context(open_engine(self._settings()))
                    self._undo.push_async_callback(engine.stop)
                    await engine.listen()
                    self._engine, self._home = engine, asyncio.get_running_loop()
        return self._engine

    def _settings(self) -> "Settings":
        """Raises Misconfigured where there is a broker and no database is named: no server would look into the default one."""
        from taskflow_hub.settings import load

        loaded = load({"database.url": self.database_url})
        if loaded.settings.broker.url != "local" and loaded.origins["database.url"] == "default":
            raise Misconfigured(
                "This process has a broker (broker.url) and no database (database.url). In a handler use ctx.submit, which "
                "goes through the server; elsewhere set TASKFLOW_DATABASE_URL, or submit over HTTP."
            )
        return loaded.settings


def _submission(type: str, payload: Raw, options: SubmitOptions) -> Submission:
    """The same checks as over HTTP, by way of the same class."""
    given: dict[str, Any] = {name: value for name, value in options.items() if name not in _NOT_OF_THE_TASK}
    tags = options.get("tags", ())
    given["tags"] = (tags,) if isinstance(tags, str) else tuple(tags)
    given["limits"] = tuple(options.get("limits", ()))
    for name in ("retry", "unique", "limits"):  # what is made of a class already would not be looked at again
        if name in given:
            given[name] = msgspec.to_builtins(given[name])
    try:
        checked = msgspec.convert({"type": type, **given}, Submission)
    except msgspec.ValidationError as error:
        raise jsontext.from_validation(error) from None
    check_texts(checked)
    return msgspec.structs.replace(checked, payload=payload)


def _checked(wanted: Submission, pointer: str) -> Submission:
    """A Submission made in Python is not checked by its class; reading it back is."""
    try:
        checked = _read_back(msgspec.json.encode(wanted))
    except msgspec.ValidationError as error:
        raise jsontext.from_validation(error, pointer) from None
    except UnicodeEncodeError:
        raise Invalid.field(pointer, "contains text that is not valid Unicode (a lone surrogate)") from None
    check_texts(checked, pointer)
    return checked


def _idempotency(key: str, wanted: Sequence[Submission]) -> "Idempotency":
    bodies = msgspec.json.decode(msgspec.json.encode(wanted))
    for body in bodies:
        if not body["limits"]:
            del body[
                "limits"
            ]  # as it was before there were limits: keys last a day, and an update may lie between
    return _fingerprint("hub.submit", key, bodies)


def _fingerprint(route: str, key: str, body: Any) -> "Idempotency":
    from taskflow_hub.engine.idempotency import fingerprint

    if not (key.isascii() and key.isprintable() and 1 <= len(key) <= MAX_KEY):
        raise Invalid.field("/idempotency_key", f"must be 1 to {MAX_KEY} printable ASCII characters")
    return fingerprint(route, key, body)
