"""One attempt: read its payload, call the handler, say how it ended. The executors decide where that happens."""

import asyncio

from taskflow_hub.about import ABOUT
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.messages import (
    Aborted,
    Ending,
    Failed,
    How,
    Released,
    Snoozed,
    Succeeded,
)
from taskflow_hub.domain.model import TaskError
from taskflow_hub.secrets.keyring import SecretUnreadable
from taskflow_hub.worker.context import AttemptStopped, Context
from taskflow_hub.worker.held import HeldAttempt, Stopping
from taskflow_hub.worker.hidden import NOTHING_HIDDEN, Hidden
from taskflow_hub.worker.outcome import Obeyed, Outcome, Postponed, Raised, Returned, answered, raised
from taskflow_hub.worker.suspending import caught, suspended


def arguments(held: HeldAttempt) -> dict[str, object]:
    """What the handler is called with. Raises Invalid for a payload that does not fit, SecretUnreadable."""
    found: dict[str, object] = held.arguments()
    if held.sink is not None and (name := held.handler.context_name) is not None:
        found[name] = Context(held.assignment, held.sink, held.http)
    return found


def not_called(error: Exception, secrets: Hidden = NOTHING_HIDDEN) -> Raised:
    """Why a payload never became arguments. A wrong one can never succeed; a validator of the user's that broke may, and so
    may a secret for which this worker lacks the key: another may have it, or this one after its next start.
    """
    if isinstance(error, SecretUnreadable):
        how = How.FAIL if error.changed else How.RAISED
        return Raised(how, TaskError("SecretUnreadable", secrets.clean(str(error))))
    if isinstance(error, Invalid):
        return Raised(How.FAIL, TaskError("InvalidPayload", secrets.clean(error.detail)))
    return raised(error, secrets)


async def run_async(held: HeldAttempt) -> Outcome:
    ABOUT.set(held.about)  # it has a task of its own, whose context ends with it
    try:
        found = arguments(held)
    except Exception as error:
        return not_called(error, held.secrets)
    try:
        return _returned(held, answered(await held.handler.function(**found), held.secrets))
    except asyncio.CancelledError as error:
        return Obeyed() if held.stopping is not None else raised(error, held.secrets)
    except BaseException as error:
        # sys.exit() and KeyboardInterrupt too: what a handler raises ends no worker.
        return _raised(held, error)


def run_sync(held: HeldAttempt) -> Outcome:
    ABOUT.set(held.about)  # it is called in a context of its own
    try:
        found = arguments(held)
    except Exception as error:
        return not_called(error, held.secrets)
    try:
        return _returned(held, answered(held.handler.function(**found), held.secrets))
    except AttemptStopped as error:
        return Obeyed() if held.stopping is not None else raised(error, held.secrets)
    except BaseException as error:
        return _raised(held, error)


def _returned(held: HeldAttempt, outcome: Outcome) -> Outcome:
    return outcome if held.sink is None else caught(held.sink, outcome) or outcome


def _raised(held: HeldAttempt, error: BaseException) -> Outcome:
    rests = () if held.sink is None else held.sink.rests
    return suspended(rests, error) or raised(error, held.secrets)


def ending(held: HeldAttempt, outcome: Outcome, worker: str, n: int, ran_s: float) -> Ending | None:
    """The report of an attempt that was asked to stop or ended by itself; None: nothing may be said of it."""
    task_id, attempt = held.key
    match held.stopping, outcome:
        case None, Returned(result=result):
            return Succeeded(worker=worker, n=n, id=task_id, attempt=attempt, ran_s=ran_s, result=result)
        case Stopping.STALE, _:
            return None
        case Stopping.TIMEOUT, _:
            error = TaskError("TimeoutError", f"ran longer than {held.assignment.timeout:g} s", held.where)
            return Failed(
                worker=worker, n=n, id=task_id, attempt=attempt, ran_s=ran_s, how=How.TIMEOUT, error=error
            )
        case Stopping.CANCELLED, Obeyed() | Raised(how=How.RAISED):
            return Aborted(worker=worker, n=n, id=task_id, attempt=attempt, ran_s=ran_s)
        case Stopping.RELEASED, Obeyed() | Raised(how=How.RAISED):
            return Released(worker=worker, n=n, id=task_id, attempt=attempt, ran_s=ran_s)
        case _, Returned(result=result):  # asked to stop, but it was done: the work counts
            return Succeeded(worker=worker, n=n, id=task_id, attempt=attempt, ran_s=ran_s, result=result)
        case _, Raised(how=how, error=error, after=after):
            return Failed(
                worker=worker,
                n=n,
                id=task_id,
                attempt=attempt,
                ran_s=ran_s,
                how=how,
                error=error,
                after=after,
            )
        case _, Postponed(seconds=seconds, until=until, events=events):
            return Snoozed(
                worker=worker,
                n=n,
                id=task_id,
                attempt=attempt,
                ran_s=ran_s,
                seconds=seconds,
                until=until,
                events=events,
            )
    raise AssertionError(f"{outcome} without a reason to stop")
