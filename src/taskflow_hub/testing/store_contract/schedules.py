"""Schedules, as people make and change them: rows, names, pauses, changes, and what code declares."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from taskflow_hub.domain.audit import Actor, By
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Invalid, NameTaken, NotFound, QueueFull
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.schedule import (
    ByHand,
    CatchUp,
    FireOutcome,
    FireRecord,
    Origin,
    Overlap,
    Schedule,
    delay_s,
)
from taskflow_hub.store.base_schedules import Fired, ScheduleFilter
from taskflow_hub.store.values import AuditFilter, NewTask
from taskflow_hub.testing.store_contract.kit import START, ContractBase, Kit, new_task

BY = By(kind=Actor.USER, id="u", name="ada@example.org", account=DEFAULT_ACCOUNT)


def new_schedule(**fields: Any) -> Schedule:
    """Every ten seconds, whatever runs, if nothing else is said; of a name of its own."""
    id = new_id()
    given: dict[str, Any] = {
        "id": id,
        "account_id": DEFAULT_ACCOUNT,
        "user_id": None,
        "name": f"s-{id[-12:]}",
        "cron": None,
        "every_s": None if "cron" in fields else 10.0,
        "timezone": "UTC",
        "type": "t",
        "template": Raw(b'{"task":{"type":"t"}}'),
        "overlap": Overlap.ALLOW,
        "catch_up": CatchUp.NONE,
        "catch_up_limit": 100,
        "jitter_s": 0.0,
        "starts_at": None,
        "ends_at": None,
        "paused_at": None,
        "origin": Origin.API,
        "rev": 1,
        "created_at": START,
        "updated_at": START,
        "next_at": None,
        "waiting_at": None,
        "last_at": None,
    }
    return Schedule(**(given | fields))


def task_of(schedule: Schedule, planned_at: datetime, by_hand: ByHand | None) -> NewTask:
    """What a tick starts: as the engine makes it, without a type's defaults."""
    delay = 0.0 if by_hand else delay_s(schedule.id, planned_at, schedule.jitter_s)
    return new_task(
        type=schedule.type,
        account_id=schedule.account_id,
        user_id=schedule.user_id,
        schedule_id=schedule.id,
        run_at=planned_at + timedelta(seconds=delay) if delay else None,
    )


async def made(kit: Kit, **fields: Any) -> Schedule:
    return await kit.store.create_schedule(new_schedule(**fields))


async def fire(kit: Kit, limit: int = 100) -> Fired:
    return await kit.store.fire_due(task_of, limit)


async def history(kit: Kit, schedule: Schedule, outcome: FireOutcome | None = None) -> list[FireRecord]:
    """All of it, oldest first, by way of pages."""
    found: list[FireRecord] = []
    cursor = None
    while True:
        page = await kit.store.fires(schedule.id, outcome=outcome, limit=7, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found[::-1]


async def now_of(kit: Kit, schedule: Schedule) -> Schedule:
    found = await kit.store.schedule(DEFAULT_ACCOUNT, schedule.id)
    assert found is not None
    return found


async def entries(kit: Kit, schedule: Schedule) -> list[tuple[str, Any, Any, Any]]:
    page = await kit.store.audit(AuditFilter(entity="schedule", entity_id=schedule.id), limit=50)
    return [(entry.action, entry.before, entry.after, entry.meta) for entry in page.items[::-1]]


class SchedulesContract(ContractBase):
    async def test_a_schedule_is_read_as_it_was_made(self, kit: Kit) -> None:
        wanted = new_schedule(
            cron="*/5 9-17 * * MON-FRI",
            timezone="Europe/Amsterdam",
            name="rich",
            user_id="u1",
            template=Raw('{"task":{"type":"t","payload":{"ü":"\\"\\\\"}}}'.encode()),
            overlap=Overlap.QUEUE_ONE,
            catch_up=CatchUp.ALL,
            catch_up_limit=7,
            jitter_s=2.5,
            starts_at=kit.clock() + timedelta(days=1),
            ends_at=kit.clock() + timedelta(days=400),
            origin=Origin.CODE,
        )
        made = await kit.store.create_schedule(wanted)
        assert made.created_at == made.updated_at == kit.clock()
        assert made.next_at == made.timing.next_after(kit.clock())
        found = await kit.store.schedule(None, wanted.id)
        assert found is not None
        assert bytes(found.template) == bytes(wanted.template)
        assert replace(found, template=made.template) == made
        same = replace(wanted, created_at=made.created_at, updated_at=made.updated_at, next_at=made.next_at)
        assert same == replace(made, template=wanted.template)
        assert (await kit.store.schedule_named(DEFAULT_ACCOUNT, "rich")) is not None

    async def test_accounts_are_kept_apart(self, kit: Kit) -> None:
        mine, theirs = await made(kit, name="n"), await made(kit, name="n", account_id="theirs")
        assert await kit.store.schedule(DEFAULT_ACCOUNT, theirs.id) is None
        assert await kit.store.schedule(None, theirs.id) is not None
        found = await kit.store.schedule_named("theirs", "n")
        assert found is not None
        assert found.id == theirs.id
        page = await kit.store.schedules(DEFAULT_ACCOUNT, ScheduleFilter(), limit=10)
        assert [one.id for one in page.items] == [mine.id]
        for refused in (
            kit.store.update_schedule(DEFAULT_ACCOUNT, replace(theirs, name="x")),
            kit.store.pause_schedule(DEFAULT_ACCOUNT, theirs.id),
            kit.store.resume_schedule(DEFAULT_ACCOUNT, theirs.id),
            kit.store.delete_schedule(DEFAULT_ACCOUNT, theirs.id),
            kit.store.trigger_schedule(DEFAULT_ACCOUNT, theirs.id, task_of),
            kit.store.backfill_schedule(
                DEFAULT_ACCOUNT, theirs.id, kit.clock(), kit.clock(), task_of, most=1
            ),
        ):
            with pytest.raises(NotFound):
                await refused

    async def test_a_name_is_unique_in_an_account(self, kit: Kit) -> None:
        await made(kit, name="n")
        other = await made(kit, name="o")
        with pytest.raises(NameTaken, match="'n'"):
            await made(kit, name="n")
        with pytest.raises(NameTaken):
            await kit.store.update_schedule(DEFAULT_ACCOUNT, replace(other, name="n"))
        assert (await now_of(kit, other)).name == "o"

    async def test_lists_have_pages_and_conditions(self, kit: Kit) -> None:
        all_of_them = [await made(kit, name=f"n{n}", type=f"t{n % 2}") for n in range(5)]
        await kit.store.pause_schedule(None, all_of_them[1].id)

        async def listed(**where: Any) -> list[str]:
            found: list[str] = []
            cursor = None
            while True:
                page = await kit.store.schedules(None, ScheduleFilter(**where), limit=2, cursor=cursor)
                found += [one.name for one in page.items]
                if (cursor := page.next_cursor) is None:
                    return found

        assert await listed() == ["n4", "n3", "n2", "n1", "n0"]
        assert await listed(type="t0") == ["n4", "n2", "n0"]
        assert await listed(name="n3") == ["n3"]
        assert await listed(paused=True) == ["n1"]
        assert await listed(paused=False, type="t1") == ["n3"]
        with pytest.raises(Invalid):
            await kit.store.schedules(None, ScheduleFilter(), limit=2, cursor="x")
        with pytest.raises(Invalid):
            await kit.store.fires(all_of_them[0].id, limit=2, cursor="x")

    async def test_a_change_of_policies_leaves_the_ticks(self, kit: Kit) -> None:
        old = await made(kit)
        kit.clock.advance(35)
        new = await kit.store.update_schedule(None, replace(old, name="other", jitter_s=3.0), by=BY)
        assert new is not None
        assert (new.rev, new.updated_at, new.next_at) == (2, kit.clock(), old.next_at)
        assert await history(kit, old) == []
        assert await kit.store.update_schedule(None, replace(new, rev=1)) is None
        same = await kit.store.update_schedule(None, new, by=BY)
        assert same is not None
        assert same.rev == 2
        assert await entries(kit, old) == [
            (
                "schedule.update",
                {"name": old.name, "jitter": 0.0},
                {"name": "other", "jitter": 3.0},
                {"name": "other"},
            )
        ]

    async def test_a_change_of_times_tells_of_what_had_come_and_goes_on(self, kit: Kit) -> None:
        old = await made(kit)
        kit.clock.advance(35)
        new = await kit.store.update_schedule(None, replace(old, cron="0 0 1 1 *", every_s=None))
        assert new is not None
        assert new.next_at == new.timing.next_after(kit.clock())
        told = [(one.outcome, one.reason) for one in await history(kit, old)]
        assert told == [("missed", "changed")] * 3
        assert (await fire(kit)).tasks == ()

    async def test_a_pause_skips_its_ticks(self, kit: Kit) -> None:
        schedule = await made(kit)
        kit.clock.advance(12)
        await fire(kit)
        paused = await kit.store.pause_schedule(None, schedule.id, by=BY)
        assert paused.paused_at == kit.clock()
        kit.clock.advance(500)
        assert (await fire(kit)).ticks == {}
        assert (await kit.store.pause_schedule(None, schedule.id, by=BY)).rev == paused.rev
        resumed = await kit.store.resume_schedule(None, schedule.id, by=BY)
        assert (resumed.paused_at, resumed.rev) == (None, 3)
        assert (await kit.store.resume_schedule(None, schedule.id, by=BY)).rev == 3
        found = await history(kit, schedule)
        assert [one.outcome for one in found] == ["fired"] + ["skipped"] * 50
        assert {one.reason for one in found[1:]} == {"paused"}
        assert resumed.next_at == resumed.timing.next_after(kit.clock())
        kit.clock.advance(10)
        assert len((await fire(kit)).tasks) == 1
        assert [entry[0] for entry in await entries(kit, schedule)] == ["schedule.pause", "schedule.resume"]

    async def test_what_waits_is_skipped_by_a_pause(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.QUEUE_ONE)
        kit.clock.advance(25)
        await fire(kit)
        assert (await now_of(kit, schedule)).waiting_at is not None
        paused = await kit.store.pause_schedule(None, schedule.id)
        assert paused.waiting_at is None
        assert [(one.outcome, one.reason) for one in await history(kit, schedule)] == [
            ("fired", None),
            ("skipped", "paused"),
        ]

    async def test_a_change_pauses_and_resumes_and_tells_of_the_ticks(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.QUEUE_ONE)
        kit.clock.advance(25)
        await fire(kit)
        old = await now_of(kit, schedule)
        paused = await kit.store.update_schedule(
            None, replace(old, paused_at=kit.clock(), jitter_s=1.0), by=BY
        )
        assert paused is not None
        assert (paused.paused_at, paused.waiting_at, paused.rev) == (kit.clock(), None, old.rev + 1)
        kit.clock.advance(20)
        resumed = await kit.store.update_schedule(None, replace(paused, paused_at=None), by=BY)
        assert resumed is not None
        assert (resumed.paused_at, resumed.rev) == (None, old.rev + 2)
        assert resumed.next_at == resumed.timing.next_after(kit.clock())
        again = await kit.store.update_schedule(None, replace(resumed, paused_at=kit.clock()))
        assert again is not None
        kit.clock.advance(20)
        other = await kit.store.update_schedule(None, replace(again, paused_at=None, every_s=3600.0), by=BY)
        assert other is not None
        assert other.next_at == other.timing.next_after(kit.clock())
        assert [(one.outcome, one.reason) for one in await history(kit, schedule)] == [
            ("fired", None),
            *[("skipped", "paused")] * 5,
        ]
        assert [entry[0] for entry in await entries(kit, schedule)] == [
            *("schedule.update", "schedule.pause", "schedule.resume"),
            *("schedule.update", "schedule.resume"),
        ]

    async def test_a_year_of_pause_has_a_thousand_records_and_one(self, kit: Kit) -> None:
        schedule = await made(kit, every_s=1.0, paused_at=kit.clock())
        kit.clock.advance(20 * 86_400)
        await kit.store.resume_schedule(None, schedule.id)
        page = await kit.store.fires(schedule.id, limit=2_000)
        assert len(page.items) == 1_001
        assert sum(one.ticks for one in page.items) == 20 * 86_400
        assert page.items[0].planned_at == kit.clock().replace(microsecond=0)

    async def test_a_deleted_schedule_is_gone_and_its_runs_go_on(self, kit: Kit) -> None:
        schedule = await made(kit)
        kit.clock.advance(10)
        (task,) = (await fire(kit)).tasks
        await kit.store.delete_schedule(None, schedule.id, by=BY)
        assert await kit.store.schedule(None, schedule.id) is None
        kit.clock.advance(10)
        assert (await fire(kit)).tasks == ()
        assert (await kit.get(task.id)).schedule_id == schedule.id
        assert [entry[0] for entry in await entries(kit, schedule)] == ["schedule.delete"]
        await kit.store.prune({}, 10)
        assert await history(kit, schedule) == []

    async def test_old_records_are_pruned_and_what_waits_is_not(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.QUEUE_ONE)
        kit.clock.advance(35)
        await fire(kit)
        kit.clock.advance(29 * 86_400)
        await kit.store.prune({}, 10)
        assert [one.outcome for one in await history(kit, schedule)] == ["fired", "waiting", "skipped"]
        kit.clock.advance(1.1 * 86_400)
        await kit.store.prune({}, 10)
        assert [one.outcome for one in await history(kit, schedule)] == ["waiting"]

    # --- by hand

    async def test_a_trigger_runs_now_whatever_else_runs(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.SKIP, paused_at=kit.clock(), jitter_s=60.0)
        tasks = [await kit.store.trigger_schedule(None, schedule.id, task_of, by=BY) for _ in range(2)]
        assert [task.status for task in tasks] == ["queued", "queued"]
        assert {task.schedule_id for task in tasks} == {schedule.id}
        found = await history(kit, schedule)
        assert [(one.outcome, one.by_hand) for one in found] == [("fired", "trigger")] * 2
        assert {one.task_id for one in found} == {task.id for task in tasks}
        now = await now_of(kit, schedule)
        assert now.last_at == found[-1].planned_at
        assert now.next_at == schedule.next_at
        assert [entry[3]["task"] for entry in await entries(kit, schedule)] == [task.id for task in tasks]

    async def test_a_trigger_at_a_tick_takes_no_ticks_place(self, kit: Kit) -> None:
        schedule = await made(kit)
        assert schedule.next_at is not None
        kit.clock.now = schedule.next_at
        await kit.store.trigger_schedule(None, schedule.id, task_of)
        assert len((await fire(kit)).tasks) == 1
        assert [one.by_hand for one in await history(kit, schedule)] == [None, "trigger"]

    async def test_a_trigger_that_is_refused_changes_nothing(self, kit: Kit) -> None:
        await kit.store.update_queue("default", max_size=1)
        schedule = await made(kit)
        await kit.store.trigger_schedule(None, schedule.id, task_of)
        with pytest.raises(QueueFull):
            await kit.store.trigger_schedule(None, schedule.id, task_of)
        assert len(await history(kit, schedule)) == 1

    async def test_a_backfill_fires_what_was_not(self, kit: Kit) -> None:
        schedule = await made(kit)
        start = kit.clock().replace(microsecond=0)
        kit.clock.advance(20)
        await fire(kit)
        kit.clock.advance(100)
        await fire(kit)  # a downtime
        kit.clock.advance(15)  # one tick that is not decided
        dry = await kit.store.backfill_schedule(
            None, schedule.id, start - timedelta(seconds=15), kit.clock(), task_of, most=50, dry_run=True
        )
        assert [(one.outcome, one.task) for one in dry] == [("fired", None)] * 2 + [("left", None)] * 2 + [
            ("fired", None)
        ] * 10
        assert len(await history(kit, schedule)) == 12
        done = await kit.store.backfill_schedule(
            None, schedule.id, start - timedelta(seconds=15), kit.clock(), task_of, most=50, by=BY
        )
        assert [one.outcome for one in done] == [one.outcome for one in dry]
        assert [one.planned_at for one in done] == [start + n * timedelta(seconds=10) for n in range(-1, 13)]
        found = await history(kit, schedule)
        assert [one.outcome for one in found] == ["fired"] * 14
        assert [one.by_hand for one in found] == ["backfill"] * 2 + [None] * 2 + ["backfill"] * 10
        tasks = {one.task.id for one in done if one.task}
        assert tasks == {one.task_id for one in found if one.by_hand}
        again = await kit.store.backfill_schedule(
            None, schedule.id, start, start + timedelta(seconds=60), task_of, most=50
        )
        assert {one.outcome for one in again} == {"left"}
        assert len((await fire(kit)).tasks) == 1
        ((action, _, _, meta),) = await entries(kit, schedule)
        assert (action, meta["fired"], meta["refused"]) == ("schedule.backfill", 12, 0)

    async def test_a_backfill_of_too_much_changes_nothing(self, kit: Kit) -> None:
        schedule = await made(kit, every_s=1.0)
        kit.clock.advance(500)
        await fire(kit)
        with pytest.raises(Invalid, match="more than 10 ticks"):
            await kit.store.backfill_schedule(
                None, schedule.id, kit.clock() - timedelta(seconds=12), kit.clock(), task_of, most=10
            )
        assert {one.outcome for one in await history(kit, schedule)} == {"missed"}

    async def test_a_backfill_of_what_nobody_remembers_is_refused(self, kit: Kit) -> None:
        """What a young schedule has backfilled is not fired again when its record is pruned."""
        schedule = await made(kit, every_s=86_400.0)
        day = timedelta(days=1)
        start = kit.clock()

        async def backfill(first: datetime, end: datetime) -> list[str]:
            done = await kit.store.backfill_schedule(None, schedule.id, first, end, task_of, most=100)
            return [one.outcome for one in done]

        assert await backfill(start - 40 * day, start - 38 * day) == ["fired"] * 2
        kit.clock.advance(29 * 86_400)
        await kit.store.prune({}, 100)
        assert await backfill(start - 40 * day, start - 37 * day) == ["left", "left", "fired"]
        kit.clock.advance(2 * 86_400)
        await kit.store.prune({}, 100)
        with pytest.raises(Invalid, match=r"/from: history is kept for 30 days.*begin after 2"):
            await backfill(start - 40 * day, start - 38 * day)
        with pytest.raises(Invalid, match="/from"):
            await backfill(kit.clock() - 30 * day - timedelta(seconds=1), kit.clock())
        await fire(kit)
        before = await history(kit, schedule)
        first = kit.clock() - 30 * day
        assert await backfill(first, kit.clock()) == [
            "fired" if one.outcome == "missed" else "left" for one in before if one.planned_at >= first
        ]

    async def test_a_backfill_keeps_within_start_and_end(self, kit: Kit) -> None:
        start, second = kit.clock().replace(microsecond=0), timedelta(seconds=1)
        schedule = await made(kit, starts_at=start + 100 * second, ends_at=start + 200 * second)
        kit.clock.advance(300)
        await fire(kit)

        async def backfill(first: int, end: int) -> list[datetime]:
            done = await kit.store.backfill_schedule(
                None,
                schedule.id,
                start + first * second,
                start + end * second,
                task_of,
                most=100,
                dry_run=True,
            )
            return [one.planned_at for one in done]

        inside = [start + n * 10 * second for n in range(10, 20)]
        assert await backfill(0, 300) == await backfill(100, 200) == inside
        with pytest.raises(Invalid, match=r"/to: no tick has come by then.*start_at"):
            await backfill(0, 100)
        with pytest.raises(Invalid, match=r"/from: no tick comes from then on.*end_at"):
            await backfill(200, 300)
        with pytest.raises(Invalid, match="/from: lies in the future"):
            await backfill(301, 400)
        later = await made(kit, starts_at=start + 1_000 * second)
        with pytest.raises(Invalid, match=r"/to: no tick has come by then.*start_at"):
            await kit.store.backfill_schedule(
                None, later.id, start, start + 2_000 * second, task_of, most=100
            )

    async def test_a_backfill_of_a_full_queue_says_what_was_refused(self, kit: Kit) -> None:
        await kit.store.update_queue("default", max_size=1)
        schedule = await made(kit)
        kit.clock.advance(200)
        await fire(kit)
        done = await kit.store.backfill_schedule(
            None, schedule.id, kit.clock() - timedelta(seconds=30), kit.clock(), task_of, most=10
        )
        assert [one.outcome for one in done] == ["fired", "refused", "refused"]
        assert "is full" in (done[1].detail or "")
        assert [one.outcome for one in await history(kit, schedule)][-3:] == ["fired", "missed", "missed"]

    @pytest.mark.parametrize(("first", "end"), [(0, 5), (95, 105), (490, 600), (0, 500), (400, 401)])
    async def test_a_backfill_of_what_one_record_tells_of(self, kit: Kit, first: int, end: int) -> None:
        """The ticks of a schedule still are told of once each."""
        schedule = await made(kit, every_s=1.0)
        start = kit.clock().replace(microsecond=0) + timedelta(seconds=1)
        kit.clock.advance(1_500)
        await fire(kit)
        assert [one.ticks for one in await history(kit, schedule)] == [500] + [1] * 1_000
        done = await kit.store.backfill_schedule(
            None,
            schedule.id,
            start + timedelta(seconds=first),
            start + timedelta(seconds=end),
            task_of,
            most=1_000,
        )
        assert len(done) == end - first
        found = await history(kit, schedule)
        assert sum(one.ticks for one in found) == 1_500
        assert sum(one.ticks for one in found if one.outcome == "fired") == end - first
        planned = [one.planned_at for one in found]
        assert planned == sorted(set(planned))

    # --- by code

    async def test_what_code_declares_is_kept_in_step(self, kit: Kit) -> None:
        def declared(name: str, **fields: Any) -> Schedule:
            return new_schedule(name=name, origin=Origin.CODE, **fields)

        api = await made(kit, name="by-hand")
        first = await kit.store.declare_schedules(
            DEFAULT_ACCOUNT, ["t"], [declared("a"), declared("b"), declared("by-hand")]
        )
        assert (first.made, first.changed, first.removed, first.taken) == (("a", "b"), (), (), ("by-hand",))
        a = await kit.store.schedule_named(DEFAULT_ACCOUNT, "a")
        assert a is not None
        await kit.store.pause_schedule(None, a.id)
        again = await kit.store.declare_schedules(DEFAULT_ACCOUNT, ["t"], [declared("a"), declared("b")])
        assert (again.made, again.changed, again.removed) == ((), (), ())
        await kit.store.declare_schedules(DEFAULT_ACCOUNT, ["other"], [declared("c", type="other")])
        changed = await kit.store.declare_schedules(DEFAULT_ACCOUNT, ["t"], [declared("a", every_s=20.0)])
        assert (changed.made, changed.changed, changed.removed) == ((), ("a",), ("b",))
        after = await now_of(kit, a)
        assert (after.every_s, after.id, after.paused_at) == (20.0, a.id, kit.clock())
        page = await kit.store.schedules(None, ScheduleFilter(), limit=10)
        assert {one.name for one in page.items} == {"a", "c", "by-hand"}
        assert (await now_of(kit, api)).origin is Origin.API
        assert (await kit.store.declare_schedules(DEFAULT_ACCOUNT, ["t"], [declared("c")])).taken == ("c",)

    async def test_schedules_of_types_that_an_application_has_given_up_go(self, kit: Kit) -> None:
        """But for those that a worker serves still, and those of others. One that comes under its name is the same, changed."""

        async def declare(application: str | None, types: list[str], *names: str, served: Any = ()) -> Any:
            specs = [
                new_schedule(name=name, type=types[0], origin=Origin.CODE, application=application)
                for name in names
            ]
            return await kit.store.declare_schedules(
                DEFAULT_ACCOUNT, types, specs, application=application, served=served
            )

        await declare("shop", ["a"], "gone", "moved")
        await declare("mail", ["m"], "theirs")
        await declare(None, ["n"], "nobodys")
        moved = await kit.store.schedule_named(DEFAULT_ACCOUNT, "moved")
        assert moved is not None
        assert moved.application == "shop"
        await kit.store.pause_schedule(None, moved.id)
        said = await declare("shop", ["b"], "moved", served=["a", "b"])
        assert (said.made, said.changed, said.removed, said.taken) == ((), (), (), ("moved",))
        said = await declare(None, ["b"], "moved", served=["b"])
        assert (said.changed, said.removed, said.taken) == ((), (), ("moved",))
        said = await declare("shop", ["b"], "moved", served=["b"])
        assert (said.made, said.changed, said.removed, said.taken) == ((), ("moved",), ("gone",), ())
        after = await now_of(kit, moved)
        assert (after.type, after.paused_at, after.id) == ("b", kit.clock(), moved.id)
        page = await kit.store.schedules(None, ScheduleFilter(), limit=10)
        assert {one.name for one in page.items} == {"moved", "theirs", "nobodys"}
        said = await declare("store", ["b"], "moved", served=["b"])  # the program has another name by now
        assert said.changed == ("moved",)
        assert (await now_of(kit, moved)).application == "store"
        assert (await declare("store", ["b"], "moved", served=["b"])).changed == ()

    async def test_two_workers_that_declare_at_once_do_not_make_two(self, kit: Kit) -> None:
        stores = [kit.store, *[await kit.another_store() for _ in range(2)]]
        for n in range(5):
            found = await asyncio.gather(
                *(
                    store.declare_schedules(
                        DEFAULT_ACCOUNT,
                        [f"t{n}"],
                        [new_schedule(name=f"n{n}", type=f"t{n}", origin=Origin.CODE)],
                    )
                    for store in stores
                )
            )
            assert sum(len(one.made) for one in found) == 1
        page = await kit.store.schedules(None, ScheduleFilter(), limit=50)
        assert len(page.items) == 5
