"""Fair turns: accounts that wait for the same workers with the same priority start tasks in the ratio of their weights.

Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996): a start costs an account 1 / weight of the row's virtual time,
which is that of whoever started last, and whoever is furthest behind is next. So an account that comes back begins where the
others are: it has saved nothing up, and owes nothing. Inside an account, place is `seq`, as it is where there is only one.

A *row* is what competes: the lanes of one priority that have a kind of worker in common, or are joined by others that have,
whatever their queues. So nobody is kept waiting by what another has piled up in another queue, and nobody's starts on workers
that only they use count elsewhere.

What was started is remembered in memory, by each process that leases for itself: it says who is next, and never who may not.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from typing import Final, Protocol, TypeVar

from taskflow_hub.store.profiles import Lane, Profile

MOST_REMEMBERED: Final = (
    10_000  # accounts in rows, or kinds of lanes; where there are more, all begin level again
)

ACCOUNTS_AT_ONCE: Final = 100  # that a lease looks at in one row; where more wait, those whose turn is next

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
        self._kinds: dict[Lane, int] = {}  # lanes that compete are of one kind
        self._numbers: dict[frozenset[Profile], int] = {}  # of the kinds there were

    def serve(self, lanes: Iterable[Lane], profiles: Collection[Profile]) -> None:
        """From now on these are the lanes in which something waits, and these the kinds of workers alive.

        Where nothing waits any more nobody owes anything.
        """
        if len(self._numbers) > MOST_REMEMBERED or sum(map(len, self._next.values())) > MOST_REMEMBERED:
            self._now, self._next, self._numbers = {}, {}, {}
        self._kinds = {}
        for lane, serving in _competing(lanes, profiles):
            self._kinds[lane] = self._numbers.setdefault(serving, len(self._numbers))
        kinds = set(self._kinds.values())
        for row in [row for row in self._next if row[0] not in kinds]:
            del self._next[row], self._now[row]

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

    def stand(self, task: Waiting) -> Stand:
        return *self.row(task.queue, task.type, task.priority), task.account

    def near(self, firsts: Iterable[Waiting]) -> set[Stand]:
        """Of those who have these first tasks, whose turn comes first: in each row so many as a lease looks at."""
        rows: defaultdict[Row, dict[str, int]] = defaultdict(dict)
        for task in firsts:
            accounts = rows[self.row(task.queue, task.type, task.priority)]
            accounts[task.account] = min(task.seq, accounts.get(task.account, task.seq))
        return {(*row, account) for row, accounts in rows.items() for account in self._next_of(row, accounts)}

    def started(self, tasks: Iterable[Waiting]) -> None:
        """These have had their turn, in this order."""
        for task in tasks:
            self.started_alone(self.row(task.queue, task.type, task.priority), task.account, 1)

    def started_alone(self, row: Row, account: str, count: int) -> None:
        """So many turns of one account, one after the other."""
        due, cost = self._next.setdefault(row, {}), self._cost(account)
        end = max(self._now.get(row, 0.0), due.get(account, 0.0)) + count * cost
        self._now[row], due[account] = end - cost, end

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

    def _next_of(self, row: Row, accounts: Mapping[str, int]) -> Sequence[str]:
        """With the `seq` of the first task of each."""
        if len(accounts) <= ACCOUNTS_AT_ONCE:
            return list(accounts)
        now, due = self._now.get(row, 0.0), self._next.get(row, {})
        turns = sorted(accounts, key=lambda account: (max(now, due.get(account, 0.0)), accounts[account]))
        return turns[:ACCOUNTS_AT_ONCE]

    def _cost(self, account: str) -> float:
        return 1.0 / self._weights.get(account, 1.0)


def _competing(lanes: Iterable[Lane], profiles: Collection[Profile]) -> list[tuple[Lane, frozenset[Profile]]]:
    """Each lane with all the kinds of workers that are joined by it and by those it competes with."""
    left = [(lane, frozenset([one for one in profiles if one.serves(lane)])) for lane in lanes]
    found: list[tuple[Lane, frozenset[Profile]]] = []
    while left:
        joined, before = left[0][1], None
        while joined != before:
            before = joined
            joined = joined.union(*[serving for _, serving in left if serving & joined])
        found += [(lane, joined) for lane, serving in left if serving & joined or serving == joined]
        left = [one for one in left if not (one[1] & joined or one[1] == joined)]
    return found


def _seq(task: Waiting) -> int:
    return task.seq


def _place(known: tuple[int, int, Waiting]) -> tuple[int, int]:
    return known[:2]
