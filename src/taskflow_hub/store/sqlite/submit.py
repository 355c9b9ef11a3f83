"""How tasks come in: one insert for everything that asks for nothing special, and one Submit after the other for the rest."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.errors import LeaseLost, TaskflowError
from taskflow_hub.domain.lifecycle import UNSTARTED, State
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.submission import Unique
from taskflow_hub.store import refusals
from taskflow_hub.store.allowance import Allowance, Counted
from taskflow_hub.store.births import Birth, birth_of
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.gates import Key
from taskflow_hub.store.keys import Answer, answers, in_order, maybe_known, replayed, require_same
from taskflow_hub.store.rooms import Rooms
from taskflow_hub.store.sqlite.part import move_over, read_tasks
from taskflow_hub.store.sqlite.rows import birth_row
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import SECOND, Transaction, from_us, to_us
from taskflow_hub.store.stated import Numbers, keys_named
from taskflow_hub.store.values import Call, Idempotency, NewTask, Submit, Submitted

SUBMIT: Final = statement("only/submit")
SUBMIT_PAYLOADS: Final = statement("only/submit_payloads")
SUBMIT_LOOK: Final = statement("submit_look")
KNOWN: Final = statement("known")
WAITING: Final = statement("waiting")
ACCOUNT_WAITING: Final = statement("only/account_waiting")
USE_QUOTAS: Final = statement("use_quotas")
TAG: Final = statement("tag")
IDEMPOTENCY_FIND: Final = statement("idempotency_find")
IDEMPOTENCY_KEEP: Final = statement("idempotency_keep")
CALL_FIND: Final = statement("call_find")
CALL_KEEP: Final = statement("call_keep")
LIMIT_ROWS: Final = statement("limit_rows")
LIMIT_STATE: Final = statement("limit_state")
UNIQUE_FIND: Final = statement("unique_find")
UNIQUE_TAKE: Final = statement("unique_take")
CANCEL_UNSTARTED: Final = statement("cancel_unstarted")


LimitRow = tuple[str, str, int | None, float | None, float | None, int | None, int]


class CountedRow(Struct, array_like=True):
    """One row of an account's quotas."""

    account_id: str
    per_minute: int | None
    per_day: int | None
    queued: int | None
    minute: int | None
    in_minute: int
    day: int | None
    in_day: int

    def counted(self) -> Counted:
        return Counted(
            account_id=self.account_id,
            per_minute=self.per_minute,
            per_day=self.per_day,
            queued=self.queued,
            minute=None if self.minute is None else from_us(self.minute),
            in_minute=self.in_minute,
            day=None if self.day is None else from_us(self.day),
            in_day=self.in_day,
        )


class Surroundings(Struct):
    """What submit_look.sql answers."""

    homes: dict[str, str]
    bounds: dict[str, int]
    quotas: list[CountedRow]
    newest: str


def submit(tx: Transaction, submits: Sequence[Submit]) -> list[Submitted | TaskflowError]:
    return _Intake(tx, submits).run()


def numbers_of(keys: Sequence[Key], rows: Sequence[LimitRow]) -> Numbers:
    """`rows`: what is known of these limits."""
    found = {(account, key): (running, per_second) for account, key, running, per_second, *_ in rows}
    return Numbers(keys, found, {(account, key) for account, key, *_, pinned in rows if pinned})


class _Intake:
    """Takes them in the order given: what asks for nothing special gathers until something special comes."""

    def __init__(self, tx: Transaction, submits: Sequence[Submit]) -> None:
        self.tx, self.submits = tx, submits
        accounts = {new.account_id for request in submits for new in request.tasks}
        self.look = tx.document(Surroundings, SUBMIT_LOOK, to_json(list(accounts)))
        self.rooms = Rooms(self.look.bounds, self.look.homes)
        self.allowance = Allowance([row.counted() for row in self.look.quotas], tx.at)
        self.numbers = self._numbers()
        self.known = self._known()
        self.gathered: list[tuple[int, list[Birth]]] = []
        self.outcomes: dict[int, Submitted | TaskflowError] = {}

    def run(self) -> list[Submitted | TaskflowError]:
        for place, request in enumerate(self.submits):
            if self._is_plain(request):
                try:
                    self.gathered.append((place, self._births(request)))
                except TaskflowError as error:
                    self.outcomes[place] = error
            else:
                self._insert_gathered()
                self.outcomes[place] = self._one(request)
        self._insert_gathered()
        self._use_quotas()
        return [self.outcomes[place] for place in range(len(self.submits))]

    # --- nothing special ---------------------------------------------------------------------------------------------

    def _is_plain(self, request: Submit) -> bool:
        if request.idempotency is not None or request.call is not None:
            return False
        return not any(new.unique is not None or new.id in self.known for new in request.tasks)

    def _births(self, request: Submit) -> list[Birth]:
        births = [self._birth(new, index) for index, new in enumerate(request.tasks)]
        if self.look.bounds or self.numbers or self.allowance:
            with self._all_or_nothing():
                for index, birth in enumerate(births):
                    self.numbers.state(birth.new, index)
                    self._take_room(request, index, birth)
        return births

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """What is counted in memory goes back when a Submit is refused."""
        waiting, mark = self.rooms.waiting.copy(), self.numbers.mark()
        allowed = self.allowance.mark()
        try:
            yield
        except TaskflowError:
            self.rooms.waiting = waiting
            self.numbers.undo(mark)
            self.allowance.undo(allowed)
            raise

    def _insert_gathered(self) -> None:
        self._insert([birth for _, births in self.gathered for birth in births])
        for place, births in self.gathered:
            tasks = tuple([birth.task(self.tx.at) for birth in births])
            self.outcomes[place] = Submitted(tasks, (True,) * len(tasks))
        self.gathered.clear()

    def _use_quotas(self) -> None:
        rows = [
            (account, to_us(minute), in_minute, to_us(day), in_day)
            for account, minute, in_minute, day, in_day in self.allowance.spent()
        ]
        self.tx.run_items(USE_QUOTAS, rows)

    def _numbers(self) -> Numbers:
        """What is known of the limits that this batch names; nearly always none."""
        keys = keys_named(self.submits)
        rows = self.tx.document(list[LimitRow], LIMIT_ROWS, to_json(keys)) if keys else []
        return numbers_of(keys, rows)

    def _known(self) -> set[str]:
        """Ids that exist, or come twice in this batch; nearly always none, for new ids are newer than all others."""
        twice, old = maybe_known(self.submits, self.look.newest)
        return twice.union(self._existing(old))

    def _existing(self, ids: Sequence[str]) -> list[str]:
        return self.tx.document(list[str], KNOWN, to_json(ids)) if ids else []

    def _birth(self, new: NewTask, index: int) -> Birth:
        return birth_of(new, index, self.look.homes, self.tx.at)

    def _insert(self, births: Sequence[Birth]) -> None:
        queued = sum(birth.status is State.QUEUED for birth in births)
        seqs = count(self.tx.next_seq(queued)) if queued else count()
        now = self.tx.now
        rows = [
            birth_row(birth, next(seqs) if birth.status is State.QUEUED else None, now) for birth in births
        ]
        self.tx.run_items(SUBMIT, rows)
        self.tx.run_items(LIMIT_STATE, self.numbers.changes())
        self.tx.run_items(
            SUBMIT_PAYLOADS, [(birth.new.id, len(birth.new.payload), birth.payload) for birth in births]
        )
        tags = [(birth.new.account_id, tag, birth.new.id) for birth in births for tag in birth.new.tags]
        self.tx.run_items(TAG, tags)

    # --- one by one --------------------------------------------------------------------------------------------------

    def _one(self, request: Submit) -> Submitted | TaskflowError:
        """All of it, or nothing and the reason."""
        with self.tx.part() as undo:
            try:
                with self._all_or_nothing():
                    return self._checked(request)
            except TaskflowError as error:
                undo()
                return error

    def _checked(self, request: Submit) -> Submitted:
        if request.idempotency is not None:
            replay = self._replay(request.idempotency)
            if replay is not None:
                return replayed(request, replay, self._found(replay))
        if request.call is not None:
            replay = self._repeated_call(request.call)
            if replay is not None:
                return replayed(request, replay, self._found(replay))
        known = set(self._existing([new.id for new in request.tasks]))
        replaced: list[str] = []
        answer = self._repeated(request, known) if known else self._create(request, replaced)
        if request.idempotency is not None:
            self._keep(request.idempotency, answer)
        if request.call is not None:
            self.tx.run(CALL_KEEP, request.call.parent.id, request.call.number, to_json(answer))
        tasks = in_order(answer, self._found(answer))
        return Submitted(tasks, tuple(created for _, created in answer), replaced=tuple(replaced))

    def _replay(self, key: Idempotency) -> Answer | None:
        found = self.tx.value(IDEMPOTENCY_FIND, key.account_id, key.route, key.key, self.tx.now)
        if found is None:
            return None
        fingerprint, answer = decoder(tuple[str, Answer]).decode(found)
        require_same(key, fingerprint)
        kept: Answer = answer
        return kept

    def _keep(self, key: Idempotency, answer: Answer) -> None:
        until = self.tx.now + round(key.ttl_s * SECOND)
        self.tx.run(
            IDEMPOTENCY_KEEP, key.account_id, key.route, key.key, key.fingerprint, to_json(answer), until
        )

    def _repeated_call(self, call: Call) -> Answer | None:
        owns, answer = self.tx.document(
            tuple[int, Answer | None], CALL_FIND, call.parent.id, call.parent.attempt, call.number
        )
        if not owns:
            raise LeaseLost
        return answer

    def _repeated(self, request: Submit, known: set[str]) -> Answer:
        """Ids that are there already: the call was committed and only its answer was lost."""
        answer: Answer = []
        for new in request.tasks:
            if new.id in known:
                answer.append((new.id, True))
                continue
            holder = None if new.unique is None else self._holder(new, new.unique)
            if holder is None:
                raise refusals.gone_since_submit(new.id)
            answer.append((holder[0], False))
        return answer

    def _create(self, request: Submit, replaced: list[str]) -> Answer:
        answer: Answer = []
        for index, new in enumerate(request.tasks):
            birth = self._birth(new, index)
            holder = None if new.unique is None else self._conflict(new, new.unique, index, replaced)
            if holder is not None:
                answer.append((holder, False))
                continue
            self.numbers.state(new, index)
            self._take_room(request, index, birth)
            self._insert([birth])
            if new.unique is not None:
                until = self.tx.now + round(new.unique.window * SECOND)
                self.tx.run(UNIQUE_TAKE, new.account_id, new.type, new.unique.key, new.id, until)
            answer.append((new.id, True))
        return answer

    def _holder(self, new: NewTask, unique: Unique) -> tuple[str, State] | None:
        found = self.tx.value(UNIQUE_FIND, new.account_id, new.type, unique.key, self.tx.now)
        return None if found is None else decoder(tuple[str, State]).decode(found)

    def _conflict(self, new: NewTask, unique: Unique, index: int, replaced: list[str]) -> str | None:
        """The task that answers instead of a new one; None: the key is free (now)."""
        found = self._holder(new, unique)
        if found is None:
            return None
        holder, status = found
        if answers(unique, holder, status, index):
            return holder
        if status in UNSTARTED:
            queue = read_tasks(self.tx, [holder])[holder].queue
            self.tx.run(CANCEL_UNSTARTED, self.tx.now, to_json([holder]))
            move_over(self.tx)
            replaced.append(holder)
            self.rooms.waiting.pop(queue, None)
            if status is not State.BLOCKED:
                self.allowance.leave(new.account_id)
        return None

    def _take_room(self, request: Submit, index: int, birth: Birth) -> None:
        if (most := self.allowance.uncounted(birth)) is not None:
            self.allowance.waiting[birth.new.account_id] = self.tx.value(
                ACCOUNT_WAITING, birth.new.account_id, most
            )
        self.allowance.take(request, index, birth)
        if self.rooms.uncounted(birth):
            self.rooms.waiting[birth.queue] = self.tx.value(WAITING, birth.queue)
        self.rooms.take(request, index, birth)

    def _found(self, answer: Answer) -> dict[str, Task]:
        return read_tasks(self.tx, [task_id for task_id, _ in answer])
