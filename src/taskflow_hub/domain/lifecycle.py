"""The life of a task, whole. Stores implement these moves; nothing else changes a state.

The shape (a table that is also the documentation) is h11's: https://github.com/python-hyper/h11.
"""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    SCHEDULED = "scheduled"  # waits for run_at: first run later, or between attempts; the promoter moves it
    BLOCKED = "blocked"  # waits for its parents in a workflow; a parent's finish moves it
    QUEUED = "queued"  # may be leased now, unless `hold` says what it waits for
    RUNNING = "running"  # exactly one attempt holds the lease
    SUCCESS = "success"
    FAILED = "failed"  # out of retries, told to stop, expired, or poison; `reason` says which
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # a workflow branch that was not taken


class Move(StrEnum):
    PROMOTE = "promote"  # promoter: run_at has come; or an operator says now
    UNBLOCK = "unblock"  # the last parent has finished the way the edge wants
    SKIP = "skip"  # a parent has finished another way
    REJECT = "reject"  # what its payload refers to is not there
    RESET = "reset"  # an operator redrives a failed workflow: it waits again for its parents
    LEASE = "lease"  # dispatcher: opens attempt n + 1, for a worker that is known
    EXPIRE = "expire"  # promoter: expires_at passed before a start
    SUCCEED = "succeed"  # worker, fenced by the attempt, like every move out of RUNNING
    RETRY = "retry"  # the handler raised and may try again
    SNOOZE = "snooze"  # the handler asked to run later; costs nothing
    FAIL = "fail"  # the handler raised for the last time, or said so; the reaper, for poison
    RELEASE = "release"  # shutdown hands an unfinished attempt back; costs nothing
    LOSE = "lose"  # reaper: the worker is gone, which counts as a crash; or the assignment never arrived
    ABORT = "abort"  # the worker obeyed a cancel request
    CANCEL = "cancel"  # operator; a running task is asked, not taken
    REDRIVE = "redrive"  # operator: run a finished task again


S, M = State, Move
LIFECYCLE: Final[dict[State, dict[Move, State]]] = {
    S.SCHEDULED: {M.PROMOTE: S.QUEUED, M.EXPIRE: S.FAILED, M.CANCEL: S.CANCELLED},
    S.BLOCKED: {
        M.UNBLOCK: S.QUEUED,
        M.SKIP: S.SKIPPED,
        M.REJECT: S.FAILED,
        M.EXPIRE: S.FAILED,
        M.CANCEL: S.CANCELLED,
    },
    S.QUEUED: {M.LEASE: S.RUNNING, M.EXPIRE: S.FAILED, M.CANCEL: S.CANCELLED},
    S.RUNNING: {
        M.SUCCEED: S.SUCCESS,
        M.RETRY: S.SCHEDULED,
        M.SNOOZE: S.SCHEDULED,
        M.FAIL: S.FAILED,
        M.RELEASE: S.QUEUED,
        M.LOSE: S.QUEUED,
        M.ABORT: S.CANCELLED,
    },
    S.SUCCESS: {},
    S.FAILED: {M.REDRIVE: S.QUEUED, M.RESET: S.BLOCKED},
    S.CANCELLED: {M.REDRIVE: S.QUEUED, M.RESET: S.BLOCKED},
    S.SKIPPED: {M.RESET: S.BLOCKED},
}

FIRST: Final = (S.SCHEDULED, S.BLOCKED, S.QUEUED)  # what a submit may make
UNFINISHED: Final = frozenset({S.SCHEDULED, S.BLOCKED, S.QUEUED, S.RUNNING})
UNSTARTED: Final = frozenset({S.SCHEDULED, S.BLOCKED, S.QUEUED})
FINAL: Final = frozenset(set(State) - UNFINISHED)

FENCED: Final = frozenset(LIFECYCLE[S.RUNNING])  # these name (task id, attempt); a miss is refused
YIELDS_TO_CANCEL: Final = frozenset(
    {M.RETRY, M.SNOOZE, M.RELEASE, M.LOSE}
)  # become ABORT once a cancel is asked


def mermaid() -> str:
    """The same table as a Mermaid state diagram, so that the docs cannot drift from the code."""
    lines = ["stateDiagram-v2"]
    lines += [f"  [*] --> {state}: submit" for state in FIRST]
    lines += [
        f"  {source} --> {target}: {move}"
        for source, row in LIFECYCLE.items()
        for move, target in row.items()
    ]
    return "\n".join(lines)
