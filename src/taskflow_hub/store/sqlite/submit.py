"""How tasks come in: one insert for everything that asks for nothing special, and one Submit after the other for the rest."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.errors import (
    FieldError,
    IdempotencyMismatch,
    LeaseLost,
    QueueFull,
    TaskflowError,
    TaskGone,
    UniqueConflict,
)
from taskflow_hub.domain.lifecycle import UNSTARTED, State
from taskflow_hub.domain.model import DEFAULT_QUEUE, Task
from taskflow_hub.domain.submission import OnConflict, Unique
from taskflow_hub.store.sqlite.part import finish, read_tasks
from taskflow_hub.store.sqlite.rows import Birth, json_text
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import SECOND, Transaction, decoder, to_json, to_us
from taskflow_hub.store.values import Call, Idempotency, NewTask, Submit, Submitted

SUBMIT: Final = statement("submit")
SUBMIT_PAYLOADS: Final = statement("submit_payloads")
SUBMIT_LOOK: Final = statement("submit_look")
KNOWN: Final = statement("known")
WAITING: Final = statement("waiting")
TAG: Final = statement("tag")
IDEMPOTENCY_FIND: Final = statement("idempotency_find")
IDEMPOTENCY_KEEP: Final = statement("idempotency_keep")
CALL_FIND: Final = statement("call_find")
CALL_KEEP: Final = statement("call_keep")
UNIQUE_FIND: Final = statement("unique_find")
UNIQUE_TAKE: Final = statement("unique_take")
CANCEL_UNSTARTED: Final = statement("cancel_unstarted")

Answer = list[tuple[str, bool]]  # task id, created: what is kept for a replay
RETRY_FULL_S: Final = 1.0


class Surroundings(Struct):
    """What submit_look.sql answers, and what this transaction adds to it."""

    homes: dict[str, str]
    bounds: dict[str, int]
    newest: str


def submit(tx: Transaction, submits: Sequence[Submit]) -> list[Submitted | TaskflowError]:
    return _Intake(tx, submits).run()


class _Intake:
    """Takes them in the order given: what asks for nothing special gathers until something special comes."""

    def __init__(self, tx: Transaction, submits: Sequence[Submit]) -> None:
        self.tx, self.submits = tx, submits
        self.look = tx.document(Surroundings, SUBMIT_LOOK)
        self.waiting: Counter[str] = Counter()  # of bounded queues, as far as counted
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
        return [self.outcomes[place] for place in range(len(self.submits))]

    # --- nothing special ---------------------------------------------------------------------------------------------

    def _is_plain(self, request: Submit) -> bool:
        if request.idempotency is not None or request.call is not None:
            return False
        return not any(new.unique is not None or new.id in self.known for new in request.tasks)

    def _births(self, request: Submit) -> list[Birth]:
        births = [self._birth(new, index) for index, new in enumerate(request.tasks)]
        if self.look.bounds:
            waiting = self.waiting.copy()
            try:
                for index, birth in enumerate(births):
                    self._take_room(request, birth, index)
            except QueueFull:
                self.waiting = waiting
                raise
        return births

    def _insert_gathered(self) -> None:
        self._insert([birth for _, births in self.gathered for birth in births])
        for place, births in self.gathered:
            tasks = tuple([birth.task(self.tx.now) for birth in births])
            self.outcomes[place] = Submitted(tasks, (True,) * len(tasks))
        self.gathered.clear()

    def _known(self) -> set[str]:
        """Ids that exist, or come twice in this batch; nearly always none, for new ids are newer than all others."""
        seen: set[str] = set()
        twice: set[str] = set()
        old: list[str] = []
        for request in self.submits:
            for new in request.tasks:
                if new.id in seen:
                    twice.add(new.id)
                seen.add(new.id)
                if new.id <= self.look.newest:
                    old.append(new.id)
        return twice.union(self._existing(old))

    def _existing(self, ids: Sequence[str]) -> list[str]:
        return self.tx.document(list[str], KNOWN, to_json(ids)) if ids else []

    def _queue(self, new: NewTask) -> str:
        return new.queue if new.queue is not None else self.look.homes.get(new.type, DEFAULT_QUEUE)

    def _birth(self, new: NewTask, index: int) -> Birth:
        run_at = None if new.run_at is None else to_us(new.run_at)
        if new.delay_s is not None and new.delay_s > 0:
            run_at = self.tx.now + round(new.delay_s * SECOND)
        if new.blocked:
            status = State.BLOCKED
        elif run_at is not None and run_at > self.tx.now:
            status = State.SCHEDULED
        else:
            status = State.QUEUED
        return Birth(
            new,
            self._queue(new),
            status,
            json_text(new.payload, f"/tasks/{index}/payload"),
            run_at,
            new.queue is None and new.type not in self.look.homes,
        )

    def _insert(self, births: Sequence[Birth]) -> None:
        queued = [birth for birth in births if birth.status is State.QUEUED]
        if queued:
            first = self.tx.next_seq(len(queued))
            for seq, birth in enumerate(queued, first):
                birth.seq = seq
        now = self.tx.now
        self.tx.run_items(SUBMIT, [birth.values(now) for birth in births])
        self.tx.run_items(
            SUBMIT_PAYLOADS, [(birth.new.id, len(birth.new.payload), birth.payload) for birth in births]
        )
        tags = [(birth.new.account_id, tag, birth.new.id) for birth in births for tag in birth.new.tags]
        self.tx.run_items(TAG, tags)

    # --- one by one --------------------------------------------------------------------------------------------------

    def _one(self, request: Submit) -> Submitted | TaskflowError:
        """All of it, or nothing and the reason."""
        with self.tx.part() as undo:
            waiting = self.waiting.copy()
            try:
                return self._checked(request)
            except TaskflowError as error:
                undo()
                self.waiting = waiting
                return error

    def _checked(self, request: Submit) -> Submitted:
        if request.idempotency is not None:
            replay = self._replay(request.idempotency)
            if replay is not None:
                return self._answered(request, replay)
        if request.call is not None:
            replay = self._repeated_call(request.call)
            if replay is not None:
                return self._answered(request, replay)
        known = set(self._existing([new.id for new in request.tasks]))
        replaced: list[str] = []
        answer = self._repeated(request, known) if known else self._create(request, replaced)
        if request.idempotency is not None:
            self._keep(request.idempotency, answer)
        if request.call is not None:
            self.tx.run(CALL_KEEP, request.call.parent.id, request.call.number, to_json(answer))
        tasks = self._tasks(answer)
        return Submitted(tasks, tuple(created for _, created in answer), replaced=tuple(replaced))

    def _replay(self, key: Idempotency) -> Answer | None:
        found = self.tx.value(IDEMPOTENCY_FIND, key.account_id, key.route, key.key, self.tx.now)
        if found is None:
            return None
        fingerprint, answer = decoder(tuple[str, Answer]).decode(found)
        if fingerprint != key.fingerprint:
            raise IdempotencyMismatch
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

    def _answered(self, request: Submit, answer: Answer) -> Submitted:
        """A replay; but the very same ids are no replay, they are the same call again after its answer was lost."""
        again = {new.id for new in request.tasks}
        same = any(task_id in again for task_id, _ in answer)
        created = tuple(same and created for _, created in answer)
        return Submitted(self._tasks(answer), created, replayed=not same)

    def _repeated(self, request: Submit, known: set[str]) -> Answer:
        """Ids that are there already: the call was committed and only its answer was lost."""
        answer: Answer = []
        for new in request.tasks:
            if new.id in known:
                answer.append((new.id, True))
                continue
            holder = None if new.unique is None else self._holder(new, new.unique)
            if holder is None:
                raise TaskGone(f"Task {new.id} was submitted before and has been removed since.")
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
            self._take_room(request, birth, index)
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
        if unique.on_conflict is OnConflict.RETURN:
            return holder
        if unique.on_conflict is OnConflict.REJECT or status is State.RUNNING:
            state = "is running" if status is State.RUNNING else f"is {status}"
            raise UniqueConflict(
                f"Task {holder} holds the unique key {unique.key!r} and {state}.",
                errors=[FieldError(f"/tasks/{index}/unique/key", f"held by task {holder}")],
            )
        if status in UNSTARTED:
            queue = read_tasks(self.tx, [holder])[holder].queue
            self.tx.run(CANCEL_UNSTARTED, self.tx.now, to_json([holder]))
            finish(self.tx)
            replaced.append(holder)
            self.waiting.pop(queue, None)
        return None

    def _take_room(self, request: Submit, birth: Birth, index: int) -> None:
        bound = self.look.bounds.get(birth.queue)
        if bound is None or birth.status is State.BLOCKED:
            return
        if birth.queue not in self.waiting:
            self.waiting[birth.queue] = self.tx.value(WAITING, birth.queue)
        self.waiting[birth.queue] += 1
        if self.waiting[birth.queue] <= bound:
            return
        rest = enumerate(request.tasks[index:], index)
        full = [place for place, new in rest if self._queue(new) == birth.queue and not new.blocked]
        raise QueueFull(
            f"Queue {birth.queue!r} is full: it may hold {bound} waiting tasks.",
            errors=[FieldError(f"/tasks/{place}", f"queue {birth.queue!r} is full") for place in full],
            retry_after_s=RETRY_FULL_S,
        )

    def _tasks(self, answer: Iterable[tuple[str, bool]]) -> tuple[Task, ...]:
        ids = [task_id for task_id, _ in answer]
        found = read_tasks(self.tx, ids)
        missing = [task_id for task_id in ids if task_id not in found]
        if missing:
            raise TaskGone(f"Task {missing[0]} was made by this request before and has been removed since.")
        return tuple(found[task_id] for task_id in ids)
