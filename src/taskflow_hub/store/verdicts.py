"""What becomes of each item of a batch of moves, and what a move says of the attempt it ends."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from taskflow_hub.domain import moves
from taskflow_hub.domain.fingerprint import signature
from taskflow_hub.domain.messages import Progressed
from taskflow_hub.domain.model import AttemptOutcome, Reason, TaskError
from taskflow_hub.domain.moves import Verdict

APPLIED, ABORTED, DUPLICATE, STALE = Verdict.APPLIED, Verdict.ABORTED, Verdict.DUPLICATE, Verdict.STALE
LONGEST_S: Final = 1e9
EXPIRED_SIGNATURE: Final = signature(Reason.EXPIRED, None)
REFERENCE_SIGNATURE: Final = signature(Reason.REFERENCE, None)

Move = moves.Succeed | moves.Retry | moves.Snooze | moves.Fail | moves.Release | moves.Lose | moves.Abort
MoveT = TypeVar("MoveT", bound=Move)

_OUTCOMES: Final[Mapping[type, AttemptOutcome]] = {
    moves.Succeed: AttemptOutcome.SUCCEEDED,
    moves.Snooze: AttemptOutcome.SNOOZED,
    moves.Release: AttemptOutcome.RELEASED,
    moves.Abort: AttemptOutcome.ABORTED,
}


# --- one move --------------------------------------------------------------------------------------------------------


def outcome_of(move: Move) -> AttemptOutcome:
    if isinstance(move, moves.Retry | moves.Fail | moves.Lose):
        return move.outcome
    return _OUTCOMES[type(move)]


def kind_of(move: Move) -> str:
    """What `ended_by` says: the kind of report that ended an attempt. A failure and a timeout are the same kind."""
    outcome = outcome_of(move)
    return AttemptOutcome.FAILED.value if outcome is AttemptOutcome.TIMEOUT else outcome.value


def ran_s(move: Move) -> float | None:
    """A worker's word, so not to be believed too far; the SQL keeps a start from being before its lease."""
    if isinstance(move, moves.Lose) or move.ran_s is None:
        return None
    return min(max(move.ran_s, 0.0), LONGEST_S)


def error_of(move: Move) -> TaskError | None:
    return move.error if isinstance(move, moves.Retry | moves.Fail | moves.Lose) else None


def signature_of(move: moves.Fail) -> str:
    return signature(move.reason, move.error)


# --- a batch ---------------------------------------------------------------------------------------------------------


class Sorted(Generic[MoveT]):
    """A batch with its verdicts so far, in the order of the items. APPLIED: it fits, as far as is known."""

    def __init__(self, items: Sequence[MoveT], misfits: Iterable[tuple[int, str | None]]) -> None:
        """`misfits`: the places of items that do not own their task, with the kind of report that ended their attempt.

        They come too late, or are told twice; and of two items for one task the first counts.
        """
        self.items = items
        self.verdicts = [APPLIED] * len(items)
        for place, ended_by in misfits:
            self.verdicts[place] = DUPLICATE if ended_by == kind_of(items[place]) else STALE
        seen: set[str] = set()
        for place, item in enumerate(items):
            if self.verdicts[place] is APPLIED:
                if item.id in seen:
                    self.verdicts[place] = DUPLICATE
                seen.add(item.id)

    def settle(self, verdict: Verdict, places: Iterable[int]) -> None:
        """Found out since, of some that fitted."""
        for place in places:
            self.verdicts[place] = verdict

    def places(self) -> list[int]:
        """Where those stand that fit."""
        return [place for place, verdict in enumerate(self.verdicts) if verdict is APPLIED]

    def fit(self) -> Sequence[MoveT]:
        places = self.places()
        return self.items if len(places) == len(self.items) else [self.items[place] for place in places]


def of_abort(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """An abort is no move of its own but what the others become when a cancel is asked: what was asked to end has done so.

    What was not asked stays as it is: a worker may not cancel a task by itself.
    """
    return [{APPLIED: STALE, ABORTED: APPLIED}.get(verdict, verdict) for verdict in verdicts]


def of_progress(
    items: Sequence[Progressed], misfits: Iterable[int]
) -> tuple[list[Verdict], list[Progressed]]:
    """The verdicts, and what is to be written."""
    verdicts = [APPLIED] * len(items)
    for place in misfits:
        verdicts[place] = STALE
    return verdicts, last_words(
        [item for item, verdict in zip(items, verdicts, strict=True) if verdict is APPLIED]
    )


def last_words(items: Iterable[Progressed]) -> list[Progressed]:
    """Of each attempt what its worker said last."""
    return list({(item.id, item.attempt): item for item in sorted(items, key=lambda item: item.n)}.values())


def first_times(ids: Sequence[str], moved: Iterable[str]) -> list[bool]:
    """True where an id stands first; a second mention in the same call moves nothing."""
    left = dict.fromkeys(moved, True)
    return [left.pop(id, False) for id in ids]
