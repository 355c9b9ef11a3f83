"""What idempotency keys, calls and unique keys mean for a submit: a task that is there may answer instead of a new one."""

from collections.abc import Mapping, Sequence

from taskflow_hub.domain.errors import IdempotencyMismatch
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.submission import OnConflict, Unique
from taskflow_hub.store import refusals
from taskflow_hub.store.values import Idempotency, Submit, Submitted

Answer = list[tuple[str, bool]]  # task id, created: what is kept for a replay


def require_same(key: Idempotency, fingerprint: str) -> None:
    """`fingerprint`: of the body the key was used with before. Raises IdempotencyMismatch."""
    if fingerprint != key.fingerprint and fingerprint not in key.also:
        raise IdempotencyMismatch


def replayed(request: Submit, answer: Answer, found: Mapping[str, Task]) -> Submitted:
    """A replay; but the very same ids are no replay, they are the same call again after its answer was lost.

    `found`: the tasks of the answer as they are now. Raises TaskGone.
    """
    again = {new.id for new in request.tasks}
    same = any(task_id in again for task_id, _ in answer)
    created = tuple(same and created for _, created in answer)
    return Submitted(in_order(answer, found), created, replayed=not same)


def in_order(answer: Answer, found: Mapping[str, Task]) -> tuple[Task, ...]:
    """The tasks of an answer. Raises TaskGone for the first that is pruned."""
    for task_id, _ in answer:
        if task_id not in found:
            raise refusals.gone_since_request(task_id)
    return tuple([found[task_id] for task_id, _ in answer])


def answers(unique: Unique, holder: str, status: State, index: int) -> bool:
    """Does the holder of a unique key answer instead of the new task? Else it makes way, cancelled if it is unfinished.

    Raises UniqueConflict when it may not be replaced.
    """
    if unique.on_conflict is OnConflict.RETURN:
        return True
    if unique.on_conflict is OnConflict.REJECT or status is State.RUNNING:
        raise refusals.key_held(unique.key, holder, status, index)
    return False


def maybe_known(submits: Sequence[Submit], newest: str) -> tuple[set[str], list[str]]:
    """Ids that come twice in this batch, and those not newer than the newest id there is: only these may exist already."""
    seen: set[str] = set()
    twice: set[str] = set()
    old: list[str] = []
    for request in submits:
        for new in request.tasks:
            if new.id in seen:
                twice.add(new.id)
            seen.add(new.id)
            if new.id <= newest:
                old.append(new.id)
    return twice, old
