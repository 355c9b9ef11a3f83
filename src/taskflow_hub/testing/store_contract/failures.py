"""Failures that are alike: how they are counted, and how tasks are found by them and by what their errors say."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from taskflow_hub.domain import moves
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.fingerprint import fingerprint, signature
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Reason, TaskError
from taskflow_hub.store import error_text
from taskflow_hub.store.values import FailureFilter, FailureGroup, FailurePage, TaskFilter
from taskflow_hub.testing.store_contract.kit import DAY_S, START, Kit

BROKEN = TaskError(
    "ValueError", "no such thing: 17", 'File "/srv/a/shop.py", line 3, in charge\n    …\nValueError: no'
)
DENIED = TaskError("PermissionError", "“Größe” is 100% \\ 'mine' \x07")
HOUR_S = 3_600


def since(kit: Kit, hours: int = 23) -> Any:
    return kit.clock().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)


async def look(
    kit: Kit, account: str | None = DEFAULT_ACCOUNT, limit: int = 100, **where: Any
) -> FailurePage:
    asked = FailureFilter(since=where.pop("since", since(kit)), step_s=where.pop("step_s", HOUR_S), **where)
    return await kit.store.failures(account, asked, limit=limit)


async def groups(kit: Kit, account: str | None = DEFAULT_ACCOUNT, **where: Any) -> dict[str, FailureGroup]:
    return {group.fingerprint: group for group in (await look(kit, account, **where)).items}


async def counts(kit: Kit, **where: Any) -> dict[str, int]:
    """By type."""
    found: Counter[str] = Counter()
    for group in (await look(kit, **where)).items:
        found[group.type] += group.count
    return dict(found)


async def fail(
    kit: Kit, *running: Assignment, error: TaskError = BROKEN, reason: Reason = Reason.HANDLER
) -> None:
    verdicts = await kit.store.fail(
        [moves.Fail(id=one.id, attempt=one.attempt, ran_s=1.0, reason=reason, error=error) for one in running]
    )
    assert set(verdicts) == {moves.Verdict.APPLIED}


async def failed(kit: Kit, type: str, *errors: TaskError, **fields: Any) -> list[str]:
    """So many tasks of one type, that fail together."""
    tasks = [await kit.submit(type=type, **fields) for _ in errors]
    worker = await kit.worker(type, slots=100)
    running = {one.id: one for one in await kit.lease(worker)}
    items = [
        moves.Fail(
            id=task.id, attempt=running[task.id].attempt, ran_s=1.0, reason=Reason.HANDLER, error=error
        )
        for task, error in zip(tasks, errors, strict=True)
    ]
    await kit.store.fail(items)
    return [task.id for task in tasks]


class FailuresContract:
    async def test_nothing_has_failed(self, kit: Kit) -> None:
        await kit.in_state(State.SUCCESS)
        await kit.in_state(State.CANCELLED)
        assert await look(kit) == FailurePage((), None)

    async def test_a_group_says_what_how_often_and_when(self, kit: Kit) -> None:
        first = kit.clock()
        ids = await failed(kit, "pay", BROKEN, BROKEN)
        kit.clock.advance(3 * HOUR_S)
        ids += await failed(kit, "pay", BROKEN)
        (group,) = (await look(kit)).items
        assert group == FailureGroup(
            fingerprint=fingerprint("pay", signature(Reason.HANDLER, BROKEN)),
            type="pay",
            count=3,
            first_at=first,
            last_at=kit.clock(),
            last_task_id=ids[-1],
            reason=Reason.HANDLER,
            error=BROKEN,
            steps={20: 2, 23: 1},
        )

    async def test_a_trend_has_steps_of_several_hours(self, kit: Kit) -> None:
        begin = since(kit, 0)
        await failed(kit, "pay", BROKEN)
        kit.clock.advance(5 * HOUR_S)
        await failed(kit, "pay", BROKEN, BROKEN)
        (group,) = (await look(kit, since=begin - timedelta(hours=4), step_s=4 * HOUR_S)).items
        assert group.steps == {1: 1, 2: 2}
        (group,) = (await look(kit, since=begin + timedelta(hours=1), step_s=4 * HOUR_S)).items
        assert (group.count, group.steps) == (2, {1: 2})

    async def test_each_type_exception_and_account_is_its_own(self, kit: Kit) -> None:
        await failed(kit, "pay", BROKEN, DENIED)
        await failed(kit, "mail", BROKEN)
        await failed(kit, "pay", BROKEN, account_id="b")
        assert len(await groups(kit)) == 3
        of_b = await groups(kit, "b")
        assert [group.count for group in of_b.values()] == [1]
        everybodys = await groups(kit, None)
        assert len(everybodys) == 3
        assert everybodys[next(iter(of_b))].count == 2

    async def test_filters(self, kit: Kit) -> None:
        await failed(kit, "pay", BROKEN, queue="p")
        await failed(kit, "pay", BROKEN, queue="q")
        await failed(kit, "mail", BROKEN, queue="q")
        assert await counts(kit, type="pay") == {"pay": 2}
        assert await counts(kit, queue="q") == {"pay": 1, "mail": 1}
        assert await counts(kit, queues=("p", "r")) == {"pay": 1}
        assert await counts(kit, queue="q", queues=("p",)) == {}
        assert await counts(kit, type="pay", queue="p") == {"pay": 1}
        assert await counts(kit, since=since(kit, -1)) == {}

    async def test_pages_in_both_orders(self, kit: Kit) -> None:
        for n, times in enumerate((2, 5, 1, 3)):
            await failed(kit, f"type.{n}", *[BROKEN] * times)
            kit.clock.advance(1)
        for by_count, order in ((False, "3210"), (True, "1302")):
            asked = FailureFilter(since=since(kit), step_s=HOUR_S, by_count=by_count)
            seen: list[str] = []
            cursor: str | None = None
            while True:
                page = await kit.store.failures(DEFAULT_ACCOUNT, asked, limit=3, cursor=cursor)
                seen += [group.type for group in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
                assert len(page.items) == 3
            assert seen == [f"type.{n}" for n in order]

    @pytest.mark.parametrize("cursor", ["", "x", "MTIgYWI", "AAAAAAAAAAAAAAAAAAAAAA", "ü"])
    async def test_a_foreign_cursor_is_refused(self, kit: Kit, cursor: str) -> None:
        asked = FailureFilter(since=since(kit), step_s=HOUR_S)
        with pytest.raises(Invalid, match="cursor"):
            await kit.store.failures(DEFAULT_ACCOUNT, asked, limit=3, cursor=cursor)

    async def test_what_runs_again_or_is_removed_is_no_failure_any_more(self, kit: Kit) -> None:
        first, second, third = await failed(kit, "pay", BROKEN, BROKEN, BROKEN)
        await kit.store.redrive(DEFAULT_ACCOUNT, [third])
        (group,) = (await look(kit)).items
        assert (group.count, group.last_task_id, group.steps) == (2, second, {23: 3})
        await kit.store.delete(DEFAULT_ACCOUNT, [second])
        assert await counts(kit) == {"pay": 1}
        await kit.store.reset([first])
        assert await counts(kit) == {}

    async def test_what_fails_again_is_counted_again(self, kit: Kit) -> None:
        (id,) = await failed(kit, "pay", BROKEN)
        for _ in range(2):
            kit.clock.advance(HOUR_S)
            await kit.store.redrive(DEFAULT_ACCOUNT, [id])
            await fail(kit, await kit.run_again(id))
        (group,) = (await look(kit)).items
        assert (group.count, group.last_at, group.last_task_id) == (1, kit.clock(), id)
        assert group.steps == {21: 1, 22: 1, 23: 1}

    async def test_what_comes_too_late_or_twice_counts_once(self, kit: Kit) -> None:
        running = await kit.run(type="pay")
        item = moves.Fail(
            id=running.id, attempt=running.attempt, ran_s=1.0, reason=Reason.HANDLER, error=BROKEN
        )
        await kit.store.fail([item, item])
        await kit.store.fail([item])
        assert await counts(kit) == {"pay": 1}
        await kit.store.redrive(DEFAULT_ACCOUNT, [running.id])
        await kit.store.redrive(DEFAULT_ACCOUNT, [running.id])
        await kit.store.fail([item])
        assert await counts(kit) == {}

    async def test_every_way_to_fail_has_a_fingerprint(self, kit: Kit) -> None:
        seen: dict[str, Reason | None] = {}
        for reason in (
            Reason.TIMEOUT,
            Reason.POISON,
            Reason.LOST,
            Reason.UNDELIVERABLE,
            Reason.RESULT_REJECTED,
        ):
            await fail(kit, await kit.run(type="pay"), reason=reason)
            seen[fingerprint("pay", signature(reason, None))] = reason
        expiring = await kit.submit(type="pay", expires_at=kit.clock() + timedelta(seconds=1))
        blocked = await kit.submit(type="pay", blocked=True)
        kit.clock.advance(2)
        assert (await kit.store.expire_due(10)).ids == (expiring.id,)
        assert await kit.store.reject([(blocked.id, DENIED)]) == [True]
        for reason in (Reason.EXPIRED, Reason.REFERENCE):
            seen[fingerprint("pay", signature(reason, None))] = reason
        assert {group.fingerprint: group.reason for group in (await look(kit)).items} == seen
        for one in seen:
            assert await kit.store.count(DEFAULT_ACCOUNT, TaskFilter(fingerprint=one)) == 1

    async def test_retention_takes_them_along(self, kit: Kit) -> None:
        await failed(kit, "old", BROKEN)
        kit.clock.advance(40 * DAY_S)
        await failed(kit, "new", BROKEN)
        assert await counts(kit, since=START - timedelta(days=1), step_s=int(DAY_S)) == {"old": 1, "new": 1}
        while (await kit.store.prune({State.FAILED: 30 * DAY_S}, 100)).more:
            pass
        assert await counts(kit, since=START - timedelta(days=1), step_s=int(DAY_S)) == {"new": 1}

    async def test_many_at_once_are_counted_exactly(self, kit: Kit) -> None:
        """Several processes, one group: failures, redrives and removals side by side."""
        other = await kit.another_store()
        for _ in range(6):
            ids = [(await kit.submit(type="pay")).id for _ in range(20)]
            worker = await kit.worker("pay", slots=100)
            running = await kit.lease(worker)
            items = [
                moves.Fail(id=one.id, attempt=one.attempt, ran_s=1.0, reason=Reason.HANDLER, error=BROKEN)
                for one in running
            ]
            await asyncio.gather(
                kit.store.fail(items[:7]),
                other.fail(items[7:14]),
                kit.store.fail(items[14:]),
            )
            await asyncio.gather(
                kit.store.redrive(DEFAULT_ACCOUNT, ids[:5]),
                other.delete(DEFAULT_ACCOUNT, ids[5:8]),
                other.redrive(DEFAULT_ACCOUNT, ids[3:6]),
            )
            await kit.store.cancel(DEFAULT_ACCOUNT, ids)
        left = await kit.store.count(DEFAULT_ACCOUNT, TaskFilter(status=(State.FAILED,)))
        assert left == 6 * 12
        (group,) = (await look(kit)).items
        assert group.count == left
        assert group.steps == {23: 120}

    # --- finding tasks by them -------------------------------------------------------------------------------------------

    async def test_tasks_by_fingerprint(self, kit: Kit) -> None:
        one, other, third = await failed(kit, "pay", BROKEN, DENIED, BROKEN)
        (print_of,) = [group.fingerprint for group in (await look(kit)).items if group.count == 2]
        where = TaskFilter(fingerprint=print_of)
        found = await kit.store.search(DEFAULT_ACCOUNT, where, limit=10)
        assert [task.id for task in found.items] == [third, one]
        assert await kit.store.count(DEFAULT_ACCOUNT, where) == 2
        entries = await kit.store.entries(DEFAULT_ACCOUNT, where, limit=1)
        assert [entry.id for entry in entries.items] == [third]
        rest = await kit.store.entries(DEFAULT_ACCOUNT, where, limit=1, cursor=entries.next_cursor)
        assert [entry.id for entry in rest.items] == [one]
        assert rest.next_cursor is None
        for nothing in (
            TaskFilter(fingerprint="0" * 16),
            TaskFilter(fingerprint=print_of, status=(State.SUCCESS, State.QUEUED)),
            TaskFilter(fingerprint=print_of, queues=("other",)),
            TaskFilter(fingerprint=print_of, tag="x"),
        ):
            assert await kit.store.count(DEFAULT_ACCOUNT, nothing) == 0
            assert (await kit.store.search(DEFAULT_ACCOUNT, nothing, limit=10)).items == ()
        assert await kit.store.count("b", where) == 0
        assert len((await kit.store.search(None, where, limit=10)).items) == 2
        await kit.store.redrive(DEFAULT_ACCOUNT, [one])
        assert await kit.store.count(DEFAULT_ACCOUNT, where) == 1
        assert other != third

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("no such THING", "b"),
            ("valueerror", "b"),
            ("in charge", "b"),
            ("/srv/a", "b"),
            ("line 3, in charge\n    …", "b"),
            ("Error", "bd"),
            ("Größe", "d"),
            ("100%", "d"),
            ("\\", "d"),
            ("'mine'", "d"),
            ("\x07", "d"),
            ('"/srv', "b"),
            ("_", ""),
            ("%", "d"),
            ("message", ""),
            ("null", ""),
            ("traceback", ""),
            ('","', ""),
            ("' OR 1=1 --", ""),
        ],
    )
    async def test_tasks_by_what_their_errors_say(self, kit: Kit, text: str, found: str) -> None:
        """Every character stands for itself, and names of fields are no words of an error."""
        broken, denied = await failed(kit, "pay", BROKEN, DENIED)
        await kit.retry(await kit.run(type="other"))
        where = TaskFilter(error=text)
        ids = {"b": broken, "d": denied}
        assert await kit.store.count(DEFAULT_ACCOUNT, where) == len(found)
        shown = (await kit.store.search(DEFAULT_ACCOUNT, where, limit=10)).items
        assert {task.id for task in shown} == {ids[one] for one in found}
        brief = (await kit.store.entries(DEFAULT_ACCOUNT, where, limit=10)).items
        assert {entry.id for entry in brief} == {ids[one] for one in found}

    async def test_words_with_other_conditions(self, kit: Kit) -> None:
        (one,) = await failed(kit, "pay", BROKEN, tags=("x",), queue="p")
        for where, count in (
            (TaskFilter(error="thing", tag="x"), 1),
            (TaskFilter(error="thing", tag="y"), 0),
            (TaskFilter(error="thing", status=(State.QUEUED,)), 0),
            (TaskFilter(error="thing", queue="p", type="pay", queues=("p", "q")), 1),
            (TaskFilter(error="thing", created_before=kit.clock() - timedelta(days=3)), 0),
        ):
            assert await kit.store.count(DEFAULT_ACCOUNT, where) == count
            found = await kit.store.search(DEFAULT_ACCOUNT, where, limit=10)
            assert [task.id for task in found.items] == [one] * count

    async def test_an_error_with_nul_disturbs_nobody(self, kit: Kit) -> None:
        """Not every worker is ours: what cannot be taken apart is found by what it looks like, and hinders no other."""
        odd, plain = await failed(kit, "pay", TaskError("E", "a\0b thing"), BROKEN)
        found = await kit.store.search(DEFAULT_ACCOUNT, TaskFilter(error="thing"), limit=10)
        assert {task.id for task in found.items} == {odd, plain}

    async def test_a_page_reads_so_many_errors_and_the_next_goes_on(
        self, kit: Kit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(error_text, "READ_FOR_PAGE", 3)
        monkeypatch.setattr(error_text, "READ_FOR_COUNT", 8)
        wanted = [*await failed(kit, "pay", DENIED), *await failed(kit, "pay", DENIED)]
        await failed(kit, "pay", *[BROKEN] * 6)
        where = TaskFilter(error="gr", type="pay")
        pages: list[list[str]] = []
        cursor: str | None = None
        while True:
            page = await kit.store.entries(DEFAULT_ACCOUNT, where, limit=10, cursor=cursor)
            assert (
                await kit.store.search(DEFAULT_ACCOUNT, where, limit=10, cursor=cursor)
            ).next_cursor == page.next_cursor
            pages.append([entry.id for entry in page.items])
            cursor = page.next_cursor
            if cursor is None:
                break
        assert pages == [[], [], wanted[::-1]]
        assert await kit.store.count(DEFAULT_ACCOUNT, where) == 2
        await failed(kit, "pay", BROKEN)
        with pytest.raises(Invalid, match="narrow it"):
            await kit.store.count(DEFAULT_ACCOUNT, where)
        assert await kit.store.count(DEFAULT_ACCOUNT, TaskFilter(error="gr", type="other")) == 0
