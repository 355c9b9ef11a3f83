"""Durable steps: what an attempt asks about them, and the events that people and programs send."""

from msgspec import Raw

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import FieldError, Invalid, NotFound, TaskflowError, TooLarge, or_raise
from taskflow_hub.domain.limits import EVENT_PAYLOAD_MAX, STEP_RESULT_MAX
from taskflow_hub.domain.messages import (
    CallFailed,
    KeepStep,
    LoadSteps,
    Reply,
    Sleep,
    StepKept,
    WaitEvent,
)
from taskflow_hub.domain.model import NULL
from taskflow_hub.domain.steps import Event, base_name, wrong_event, wrong_name
from taskflow_hub.domain.submission import TEN_YEARS_S
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.payloads import beside
from taskflow_hub.store.base_steps import StepStore
from taskflow_hub.store.values import StepPage

Asked = LoadSteps | KeepStep | Sleep | WaitEvent


class Steps:
    def __init__(self, store: StepStore, hints: Hints) -> None:
        self._store, self._hints = store, hints

    async def answer(self, request: Asked) -> Reply:
        """What is wrong, or refused, is answered as CallFailed; only Unavailable is raised."""
        try:
            outcome = await self._answer(request)
        except Invalid as error:
            outcome = error
        return CallFailed(outcome.code, outcome.detail) if isinstance(outcome, TaskflowError) else outcome

    async def _answer(self, request: Asked) -> Reply | TaskflowError:
        match request:
            case LoadSteps():
                return await self._store.load_steps(request)
            case KeepStep():
                return await self._keep(request)
            case Sleep():
                _check_name(request.name)
                _check_lasts("/seconds", request.seconds)
                (slept,) = await self._store.sleep([request])
                return slept
            case WaitEvent():
                _check_event("/event", request.event)
                if base_name(request.name) != request.event:
                    raise Invalid.field("/name", "is not the event's name, nor that with a number")
                if request.timeout is not None:
                    _check_lasts("/timeout", request.timeout)
                (waited,) = await self._store.wait_event([request])
                return waited

    async def _keep(self, request: KeepStep) -> StepKept | TaskflowError:
        _check_name(request.name)
        await _check_json(request.result, STEP_RESULT_MAX, "/result")
        (kept,) = await self._store.keep_step([request])
        return kept

    async def send_event(
        self, account: str, task_id: str, name: str, payload: bytes, *, by: By | None = None
    ) -> Event:
        """The event, or the one that came before it. `payload` is JSON, nothing being null.

        Raises Invalid, TooLarge, NotFound, NotAllowed.
        """
        _check_event("/name", name)
        if payload:
            await _check_json(Raw(payload), EVENT_PAYLOAD_MAX, "")
        outcome = await self._store.send_event(
            account, task_id, name, Raw(payload) if payload else NULL, by=by
        )
        event, woken = or_raise(outcome)
        if woken:
            self._hints.changed([task_id], Topic.WORK)
        return event

    async def of_task(self, account: str, task_id: str, *, after: int, limit: int) -> StepPage:
        """What a task has kept, in order. Raises NotFound."""
        page = await self._store.steps(account, task_id, after=after, limit=limit)
        if page is None:
            raise NotFound(f"There is no task {task_id}.")
        return page


def _check_name(kept: str) -> None:
    if (wrong := wrong_name(base_name(kept))) is not None:
        raise Invalid.field("/name", wrong)


def _check_event(pointer: str, name: str) -> None:
    if (wrong := wrong_event(name)) is not None:
        raise Invalid.field(pointer, wrong)


def _check_lasts(pointer: str, seconds: float) -> None:
    if not 0 <= seconds <= TEN_YEARS_S:  # NaN is not, either
        raise Invalid.field(pointer, "is not a number of seconds from nothing to ten years")


async def _check_json(text: Raw, most: int, pointer: str) -> None:
    """Raises TooLarge, Undecodable, Invalid."""
    if len(text) > most:
        where = pointer or "The body"
        raise TooLarge(
            f"{where} has {len(text)} bytes; at most {most} are allowed.",
            errors=[FieldError(pointer, f"has more than {most} bytes")],
        )
    await beside(len(text), lambda: jsontext.decode_any(bytes(text), pointer))
