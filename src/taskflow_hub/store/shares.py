"""Fair turns: accounts that wait for the same workers with the same priority start tasks in the ratio of their weights.

Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996): a start costs an account 1 / weight of the row's virtual time,
which is that of whoever started last, and whoever is furthest behind is next. So an account that comes back begins where the
others are: it has saved nothing up, and owes nothing. Inside an account, place is `seq`, as it is where there is only one.

A *row* is what competes: the lanes that the same kinds of workers serve, in one priority, whatever their queues. So nobody is
kept waiting by what another has piled up in another queue, and nobody's starts on workers that only they use count elsewhere.

What was started is remembered in memory, by each process that leases for itself: it says who is next, and never who may not.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from typing import Final, Protocol, TypeVar

from taskflow_hub.store.profiles import Lane, Profile

MOST_REMEMBERED: Final = (
    10_000  # accounts in rows, or kinds of lanes; where there are more, those that owe nothing are forgotten
)

Row = tuple[int, int]  # kind of lane, priority: who stands there take turns
Stand = tuple[int, int, str]  # and one account's part of it


class Waiting(Protocol):
    @property
    def queue(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def account(self) -> str: ...
    @property
    def seq(self) -> int: ...


WaitingT = TypeVar("WaitingT", bound=Waiting)


class Shares:
    def __init__(self) -> None:
        self._now: dict[Row, float] = {}  # virtual time: that of the last start
        self._next: dict[Row, dict[str, float]] = {}  # when the next start of an account is due
        self._weights: Mapping[str, float] = {}
        self._kinds: dict[Lane, int] = {}  # lanes of one kind are served by the same kinds of workers
        self._numbers: dict[frozenset[Profile], int] = {}

    def serve(self, lanes: Iterable[Lane], profiles: Collection[Profile]) -> None:
        """From now on these are the lanes, and these the kinds of workers alive."""
        if len(self._numbers) > MOST_REMEMBERED:
            self._now, self._next, self._numbers = {}, {}, {}
        self._kinds = {}
        for lane in lanes:
            serving = frozenset([profile for profile in profiles if profile.serves(lane)])
            self._kinds[lane] = self._numbers.setdefault(serving, len(self._numbers))

    def weigh(self, weights: Mapping[str, float]) -> None:
        """From now on these accounts have these weights; all others have 1."""
        self._weights = weights

    def order(self, tasks: Iterable[WaitingT], ends: Mapping[Stand, int] | None = None) -> list[WaitingT]:
        """In which order they are to start, so far as that is known: of those in `ends` there are more behind that `seq`.

        Higher priority first. Among rows, place is `seq`: a row's first turn stands where its first task does, and so on.
        """
        rows: defaultdict[Row, list[WaitingT]] = defaultdict(list)
        for task in tasks:
            rows[self.row(task.queue, task.type, task.priority)].append(task)
        known: list[tuple[int, int, WaitingT]] = []
        end: tuple[int, int] | None = None  # of what is known
        for row, waiting in rows.items():
            priority, places = row[1], sorted([task.seq for task in waiting])
            turns, more = self._turns(row, waiting, ends or {})
            known += [(-priority, place, task) for place, task in zip(places, turns, strict=False)]
            if more:
                last = (-priority, places[len(turns) - 1] if turns else -1)
                end = last if end is None else min(end, last)
        known.sort(key=_place)
        return [task for rank, place, task in known if end is None or (rank, place) <= end]

    def row(self, queue: str, type: str, priority: int) -> Row:
        return self._kinds.get((queue, type), -1), priority

    def next(self, row: Row, accounts: Collection[str], most: int) -> set[str]:
        """Of these accounts so many whose turn comes first."""
        now, due = self._now.get(row, 0.0), self._next.get(row, {})
        return set(sorted(accounts, key=lambda account: max(now, due.get(account, 0.0)))[:most])

    def started(self, tasks: Iterable[Waiting]) -> None:
        """These have had their turn, in this order."""
        for task in tasks:
            row = self.row(task.queue, task.type, task.priority)
            due = self._next.setdefault(row, {})
            at = self._now[row] = max(self._now.get(row, 0.0), due.get(task.account, 0.0))
            due[task.account] = at + self._cost(task.account)
        if sum(len(due) for due in self._next.values()) > MOST_REMEMBERED:
            self._forget()

    def _turns(
        self, row: Row, waiting: list[WaitingT], ends: Mapping[Stand, int]
    ) -> tuple[Sequence[WaitingT], bool]:
        """The turns of one row, and whether there are more that are not known."""
        lines: defaultdict[str, list[WaitingT]] = defaultdict(list)
        for task in sorted(waiting, key=_seq):
            if task.seq <= ends.get((*row, task.account), task.seq):
                lines[task.account].append(task)
        if len(lines) == 1 and not ends:
            ((_, line),) = lines.items()
            return line, False
        now, due = self._now.get(row, 0.0), self._next.get(row, {})
        heap = [(max(now, due.get(account, 0.0)), line[0].seq, account, 0) for account, line in lines.items()]
        heapify(heap)
        turns: list[WaitingT] = []
        while heap:
            at, _, account, n = heap[0]
            line, end = lines[account], ends.get((*row, account))
            if n == len(line):
                return turns, True
            turns.append(line[n])
            if n + 1 < len(line):
                heapreplace(heap, (at + self._cost(account), line[n + 1].seq, account, n + 1))
            elif end is not None:
                heapreplace(heap, (at + self._cost(account), end + 1, account, n + 1))
            else:
                heappop(heap)
        return turns, False

    def _cost(self, account: str) -> float:
        return 1.0 / self._weights.get(account, 1.0)

    def _forget(self) -> None:
        """Who is due by now is where who was never seen is."""
        self._next = {
            row: {account: at for account, at in due.items() if at > self._now[row]}
            for row, due in self._next.items()
        }


def _seq(task: Waiting) -> int:
    return task.seq


def _place(known: tuple[int, int, Waiting]) -> tuple[int, int]:
    return known[:2]
