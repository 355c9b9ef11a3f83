"""The numbers of limits, as submits state them.

They belong to a key of an account. The first task that names the key must state one; a later one changes those it states,
unless somebody has pinned them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from taskflow_hub.domain.submission import Limit
from taskflow_hub.store import refusals
from taskflow_hub.store.gates import Key
from taskflow_hub.store.values import NewTask, Submit

Stated = tuple[int | None, float | None]  # running, per second; None: not stated
_NOTHING: Stated = (None, None)


def keys_named(submits: Iterable[Submit]) -> list[Key]:
    """The keys a batch names, in the order in which they are locked; nearly always none."""
    keys = {
        (new.account_id, limit.key)
        for request in submits
        for new in request.tasks
        if new.limits
        for limit in new.limits
    }
    return sorted(keys)


def keys_changed(
    submits: Iterable[Submit], found: Mapping[Key, Stated], pinned: Collection[Key]
) -> list[Key]:
    """Those of the keys for which a batch states another number than is known, in the order in which they are locked."""
    keys = {
        (new.account_id, limit.key)
        for request in submits
        for new in request.tasks
        for limit in new.limits
        if _merged(known := found.get((new.account_id, limit.key), _NOTHING), _stated(limit)) != known
    }
    return sorted(keys.difference(pinned))


def keys_of(new: NewTask) -> tuple[str, ...]:
    """In the order in which a task keeps them: tasks with the same limits are alike."""
    return tuple(sorted(limit.key for limit in new.limits))


class Numbers:
    """Of the keys that one batch of submits names. A Submit that is refused changes nothing: `mark` before, `undo` then."""

    def __init__(
        self, named: Sequence[Key], found: Mapping[Key, Stated], pinned: Collection[Key] = frozenset()
    ) -> None:
        """`found`: those of them that the store knows; `pinned`: those of them whose numbers stay as they are."""
        self._any = bool(named)
        self._known, self._pinned = dict(found), pinned
        self._changed: dict[Key, Stated] = {}
        self._before: list[tuple[Key, Stated | None, Stated | None]] = []  # what was known, and changed

    def __bool__(self) -> bool:
        """Does the batch name any?"""
        return self._any

    def state(self, new: NewTask, index: int) -> None:
        """Take over what a task states; `index`: which one of its Submit it is. Raises Invalid."""
        for place, limit in enumerate(new.limits):
            key = (new.account_id, limit.key)
            stated = _stated(limit)
            known = self._known.get(key)
            if known is None and stated == _NOTHING:
                raise refusals.no_numbers(index, place, limit.key)
            merged = _merged(known or _NOTHING, stated)
            if merged != known and key not in self._pinned:
                self._before.append((key, known, self._changed.get(key)))
                self._known[key] = merged
                self._changed[key] = _merged(self._changed.get(key, _NOTHING), stated)

    def mark(self) -> int:
        return len(self._before)

    def undo(self, mark: int) -> None:
        while len(self._before) > mark:
            key, known, changed = self._before.pop()
            for numbers, before in ((self._known, known), (self._changed, changed)):
                if before is None:
                    numbers.pop(key, None)
                else:
                    numbers[key] = before

    def changes(self) -> list[tuple[str, str, int | None, float | None]]:
        """Account, key, running, per second: what is to be written now, in the order in which keys are locked."""
        changed, self._changed = self._changed, {}
        return [(*key, *changed[key]) for key in sorted(changed)]


def _stated(limit: Limit) -> Stated:
    return limit.running, limit.per_second


def _merged(known: Stated, stated: Stated) -> Stated:
    return (
        known[0] if stated[0] is None else stated[0],
        known[1] if stated[1] is None else stated[1],
    )
