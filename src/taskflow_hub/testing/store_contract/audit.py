"""The audit: one entry for each change, in its transaction, and none for what changed nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.domain.audit import Act, Action, Actor, AuditEntry, By
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.lifecycle import UNSTARTED, State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.store.base import Store
from taskflow_hub.store.values import AuditFilter, BulkAction, TaskFilter
from taskflow_hub.testing.store_contract.access import an_admin, at_once, new_key, new_user
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit

ADA = By(
    kind=Actor.USER, id="ada's id", name="ada@example.org", account="a", address="192.0.2.7", agent="curl"
)
UNSTORABLE = By(kind=Actor.OPERATOR, name="\ud800")  # no database takes it
QUEUED, TYPE = {"status": "queued"}, {"type": "t", "queue": "default"}
SECRET = f"tfk_{'x' * 43}01234567"


async def entries(kit: Kit, **where: Any) -> list[AuditEntry]:
    page = await kit.store.audit(AuditFilter(**where), limit=1_000)
    assert page.next_cursor is None
    return list(page.items)


async def only(kit: Kit, **where: Any) -> AuditEntry:
    [entry] = await entries(kit, **where)
    return entry


async def told(kit: Kit) -> list[tuple[str, str, Any, Any, Any]]:
    """The latest last."""
    found = await entries(kit)
    return [(one.action, one.entity_id, one.before, one.after, one.meta) for one in reversed(found)]


async def append(kit: Kit, name: str, by: By = ADA, account: str | None = None) -> None:
    await kit.store.append_audit(by, Act(action=Action.LOGIN_FAIL, entity_id=name, account_id=account))


class AuditContract(ContractBase):
    # --- what is written -------------------------------------------------------------------------------------------------

    async def test_an_entry_says_who_did_what_to_what_from_where_and_when(self, kit: Kit) -> None:
        assert await entries(kit) == []
        await kit.store.pause("q", by=ADA)
        entry = await only(kit)
        assert entry == AuditEntry(
            id=entry.id,
            ts=kit.clock.now,
            action="queue.pause",
            entity="queue",
            entity_id="q",
            account_id=None,
            actor_kind="user",
            actor=ADA.id,
            actor_name=ADA.name,
            actor_account=ADA.account,
            address=ADA.address,
            agent=ADA.agent,
            before={"paused": False},
            after={"paused": True},
            meta=None,
        )

    async def test_queues(self, kit: Kit) -> None:
        for _ in range(2):
            await kit.store.pause("q", by=ADA)
        for _ in range(2):
            await kit.store.resume("q", by=ADA)
        for size in (7, 7, None):
            await kit.store.update_queue("q", max_size=size, by=ADA)
        await kit.store.resume("never paused", by=ADA)
        assert await told(kit) == [
            ("queue.pause", "q", {"paused": False}, {"paused": True}, None),
            ("queue.resume", "q", {"paused": True}, {"paused": False}, None),
            ("queue.update", "q", {"max_size": None}, {"max_size": 7}, None),
            ("queue.update", "q", {"max_size": 7}, {"max_size": None}, None),
        ]

    async def test_a_purge_is_one_entry(self, kit: Kit) -> None:
        for _ in range(3):
            await kit.submit(queue="q")
        assert await kit.store.purge("another", "q", 10, by=ADA) == ()
        assert len(await kit.store.purge(DEFAULT_ACCOUNT, "q", 2, waiting=3, by=ADA)) == 2
        assert len(await kit.store.purge(DEFAULT_ACCOUNT, "q", 2)) == 1
        assert await kit.store.purge(DEFAULT_ACCOUNT, "q", 2, by=ADA) == ()
        entry = await only(kit)
        assert (entry.action, entry.account_id, entry.meta) == (
            "queue.purge",
            DEFAULT_ACCOUNT,
            {"waiting": 3},
        )

    async def test_limits(self, kit: Kit) -> None:
        for _ in range(2):
            await kit.store.set_limit("a", "k", 3, None, by=ADA)
        await kit.store.set_limit("a", "k", 3, 0.5, by=ADA)
        await kit.store.set_limit("a", "k", None, None, pinned=False, by=ADA)
        assert await told(kit) == [
            ("limit.set", "k", {"running": None, "pinned": False}, {"running": 3, "pinned": True}, None),
            ("limit.set", "k", {"per_second": None}, {"per_second": 0.5}, None),
            (
                "limit.set",
                "k",
                {"running": 3, "per_second": 0.5, "pinned": True},
                {"running": None, "per_second": None, "pinned": False},
                None,
            ),
        ]
        assert {one.account_id for one in await entries(kit)} == {"a"}
        await kit.store.set_limit("a", "k", None, None, pinned=False, by=ADA)
        assert await kit.store.limits("a", limit=9) == [], "it is forgotten again"
        assert len(await entries(kit)) == 3

    @pytest.mark.parametrize("state", sorted(UNSTARTED))
    async def test_a_cancel_of_what_has_not_started(self, kit: Kit, state: State) -> None:
        id, _ = await kit.in_state(state)
        for _ in range(2):
            await kit.store.cancel(DEFAULT_ACCOUNT, [id, new_id()], by=ADA)
        entry = await only(kit)
        assert (entry.entity, entry.entity_id, entry.account_id) == ("task", id, DEFAULT_ACCOUNT)
        assert (entry.before, entry.after, entry.meta) == ({"status": state}, {"status": "cancelled"}, TYPE)

    async def test_a_cancel_of_what_runs_or_has_ended(self, kit: Kit) -> None:
        running = await kit.run()
        ended, _ = await kit.in_state(State.SUCCESS)
        for _ in range(2):
            await kit.store.cancel(DEFAULT_ACCOUNT, [running.id, ended], by=ADA)
        await kit.store.cancel("another", [running.id], by=ADA)
        entry = await only(kit)
        assert (entry.entity_id, entry.before, entry.after) == (
            running.id,
            {"status": "running"},
            {"cancel_requested": True},
        )

    async def test_redrive_promote_update_and_delete(self, kit: Kit) -> None:
        failed, _ = await kit.in_state(State.FAILED, type="a")
        for _ in range(2):
            await kit.store.redrive(DEFAULT_ACCOUNT, [failed], by=ADA)
        later, _ = await kit.in_state(State.SCHEDULED)
        at = kit.clock.now + timedelta(hours=1)
        changes: list[dict[str, Any]] = [{"priority": 9}, {"priority": 9, "run_at": at, "queue": "q"}, {}]
        run_at = (await kit.get(later)).run_at
        assert run_at
        for change in changes:
            await kit.store.update(DEFAULT_ACCOUNT, later, **change, by=ADA)
        for _ in range(2):
            await kit.store.promote(DEFAULT_ACCOUNT, later, by=ADA)
        await kit.store.update(DEFAULT_ACCOUNT, later, run_at=at, by=ADA)  # not any more
        ended, _ = await kit.in_state(State.CANCELLED, type="b")
        for account in ("another", DEFAULT_ACCOUNT, DEFAULT_ACCOUNT):
            await kit.store.delete(account, [ended, ended, failed], by=ADA)
        in_q = {"type": "t", "queue": "q"}
        assert await told(kit) == [
            ("task.redrive", failed, {"status": "failed"}, QUEUED, {**TYPE, "type": "a"}),
            ("task.update", later, {"priority": 5}, {"priority": 9}, TYPE),
            (
                "task.update",
                later,
                {"run_at": _text(run_at), "queue": "default"},
                {"run_at": _text(at), "queue": "q"},
                in_q,
            ),
            ("task.promote", later, {"status": "scheduled"}, QUEUED, in_q),
            ("task.delete", ended, {"status": "cancelled"}, None, {**TYPE, "type": "b"}),
        ]

    async def test_bulk_operations(self, kit: Kit) -> None:
        id, where = new_id(), TaskFilter(status=(State.FAILED,), type="t")
        for _ in range(2):
            await kit.store.create_bulk(id, "a", BulkAction.REDRIVE, where, 7, by=ADA)
        await kit.store.abort_bulk("another", id, by=ADA)
        for _ in range(2):
            await kit.store.abort_bulk("a", id, by=ADA)
        about = {"action": "redrive", "filter": {"status": ["failed"], "type": "t"}, "total": 7}
        assert await told(kit) == [
            ("bulk.begin", id, None, None, about),
            ("bulk.abort", id, None, None, {**about, "done": 0}),
        ]

    async def test_workers(self, kit: Kit) -> None:
        worker = await kit.worker()
        for id in (worker, worker, new_id()):
            await kit.store.drain(id, by=ADA)
        assert await told(kit) == [("worker.drain", worker, None, None, {"name": "w", "host": "h"})]

    async def test_users(self, kit: Kit) -> None:
        first, second, third = new_user(), new_user(), new_user()
        await kit.store.register_user(first, closed=True, by=ADA)
        await kit.store.register_user(second, closed=True, by=ADA)
        await kit.store.register_user(second, closed=False, by=ADA)
        for _ in range(2):
            await kit.store.add_user(third, "a", Role.VIEWER, by=ADA)
        for role in (Role.USER, Role.USER):
            await kit.store.set_role(third.id, role, by=ADA)
        await kit.store.set_role(first.id, Role.USER, by=ADA)  # the last admin
        await kit.store.set_password(third.id, "new", was="not this", by=ADA)
        await kit.store.set_password(third.id, "new", by=ADA)
        assert await told(kit) == [
            ("user.register", first.id, None, {"email": first.email, "role": "admin"}, None),
            ("user.register", second.id, None, {"email": second.email, "role": "user"}, None),
            ("user.add", third.id, None, {"email": third.email, "role": "viewer"}, None),
            ("user.set_role", third.id, {"role": "viewer"}, {"role": "user"}, None),
            ("user.set_password", third.id, None, None, None),
        ]
        accounts = [one.account_id for one in reversed(await entries(kit))]
        assert accounts == [DEFAULT_ACCOUNT, second.id, "a", "a", "a"]

    async def test_logins(self, kit: Kit) -> None:
        user = await an_admin(kit)
        one, other = new_id(), new_id()
        for id in (one, other):
            assert await kit.store.begin_session(id, user.id, 100, by=ADA)
        assert not await kit.store.begin_session(new_id(), user.id, 100, password_hash="old", by=ADA)
        for generation in (1, 2):
            assert await kit.store.refresh_session(one, generation, 100, by=ADA)
        for generation in (1, 1):
            assert await kit.store.refresh_session(one, generation, 100, by=ADA) is None
        for _ in range(2):
            await kit.store.end_session(other, by=ADA)
        assert await told(kit) == [
            ("login.begin", user.id, None, None, {"login": one}),
            ("login.begin", user.id, None, None, {"login": other}),
            ("login.reuse", user.id, None, None, {"login": one}),
            ("login.end", user.id, None, None, {"login": other}),
        ]
        assert {entry.entity for entry in await entries(kit)} == {"user"}

    async def test_keys(self, kit: Kit) -> None:
        new = new_key("a", name="the shop's", scopes=(Scope.READ, Scope.SUBMIT), queues=("q",))
        key = await kit.store.create_key(new, by=ADA)
        await kit.store.revoke_key("another", key.id, by=ADA)
        for _ in range(2):
            await kit.store.revoke_key("a", key.id, by=ADA)
        shown = {"name": "the shop's", "scopes": ["read", "submit"], "queues": ["q"], "expires_at": None}
        assert await told(kit) == [
            ("key.create", key.id, None, shown, None),
            ("key.revoke", key.id, None, None, {"name": "the shop's"}),
        ]
        assert new.digest not in str(await entries(kit))

    async def test_what_nobody_asked_for_is_not_written(self, kit: Kit) -> None:
        await kit.store.pause("q")
        await kit.store.cancel(DEFAULT_ACCOUNT, [(await kit.submit()).id])
        await kit.store.create_key(new_key())
        await an_admin(kit)
        assert await entries(kit) == []

    # --- in one transaction ----------------------------------------------------------------------------------------------

    async def test_what_cannot_be_written_is_not_done(self, kit: Kit) -> None:
        task = await kit.submit()
        user, key = await an_admin(kit), await kit.store.create_key(new_key())
        worker = await kit.worker()
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: kit.store.pause("q", by=UNSTORABLE),
            lambda: kit.store.cancel(DEFAULT_ACCOUNT, [task.id], by=UNSTORABLE),
            lambda: kit.store.update(DEFAULT_ACCOUNT, task.id, priority=9, by=UNSTORABLE),
            lambda: kit.store.purge(DEFAULT_ACCOUNT, task.queue, 9, by=UNSTORABLE),
            lambda: kit.store.set_limit(DEFAULT_ACCOUNT, "k", 3, None, by=UNSTORABLE),
            lambda: kit.store.drain(worker, by=UNSTORABLE),
            lambda: kit.store.add_user(new_user(), "a", Role.USER, by=UNSTORABLE),
            lambda: kit.store.set_password(user.id, "new", by=UNSTORABLE),
            lambda: kit.store.begin_session(new_id(), user.id, 100, by=UNSTORABLE),
            lambda: kit.store.create_key(new_key(), by=UNSTORABLE),
            lambda: kit.store.revoke_key(None, key.id, by=UNSTORABLE),
            lambda: kit.store.create_bulk(
                new_id(), DEFAULT_ACCOUNT, BulkAction.DELETE, TaskFilter(), 1, by=UNSTORABLE
            ),
        ]
        before = await kit.everything(task.id)
        for call in calls:
            with pytest.raises(Exception, match="surrogates not allowed"):
                await call()
        assert await kit.everything(task.id) == before
        assert not any(queue.paused for queue in await kit.store.queues())
        assert await kit.store.limits(None, limit=9) == []
        assert await kit.store.running_bulks() == []
        assert await kit.store.users(None) == [user]
        assert await kit.store.login(user.email) == (user, "hash")
        assert await kit.store.keys(None) == [key]
        assert {one.state for one in await kit.store.workers()} == {"alive"}
        assert await entries(kit) == []

    @pytest.mark.parametrize(
        "do",
        [
            lambda store, _: store.pause("q", by=ADA),
            lambda store, _: store.update_queue("q", max_size=7, by=ADA),
            lambda store, _: store.set_limit("a", "k", 3, None, by=ADA),
            lambda store, ids: store.cancel(DEFAULT_ACCOUNT, [ids["queued"]], by=ADA),
            lambda store, ids: store.cancel(DEFAULT_ACCOUNT, [ids["running"]], by=ADA),
            lambda store, ids: store.redrive(DEFAULT_ACCOUNT, [ids["failed"]], by=ADA),
            lambda store, ids: store.promote(DEFAULT_ACCOUNT, ids["scheduled"], by=ADA),
            lambda store, ids: store.update(DEFAULT_ACCOUNT, ids["queued"], priority=9, by=ADA),
            lambda store, ids: store.delete(DEFAULT_ACCOUNT, [ids["failed"]], by=ADA),
            lambda store, ids: store.revoke_key(None, ids["key"], by=ADA),
            lambda store, ids: store.set_role(ids["user"], Role.VIEWER, by=ADA),
            lambda store, ids: store.end_session(ids["login"], by=ADA),
            lambda store, ids: store.abort_bulk(None, ids["bulk"], by=ADA),
            lambda store, ids: store.drain(ids["worker"], by=ADA),
        ],
    )
    async def test_of_many_at_once_one_has_done_it(
        self, kit: Kit, do: Callable[[Store, dict[str, str]], Awaitable[Any]]
    ) -> None:
        await an_admin(kit)
        states = (State.RUNNING, State.FAILED, State.SCHEDULED, State.QUEUED)
        ids = {str(state): (await kit.in_state(state))[0] for state in states}
        ids |= {"user": (await an_admin(kit)).id, "login": new_id(), "bulk": new_id()}
        ids |= {"key": (await kit.store.create_key(new_key())).id, "worker": await kit.worker("u")}
        await kit.store.begin_session(ids["login"], ids["user"], 100)
        await kit.store.create_bulk(ids["bulk"], "a", BulkAction.DELETE, TaskFilter(), 0)
        await at_once(kit, *[lambda store: do(store, ids)] * 8, handles=3)
        await only(kit)

    # --- listed ----------------------------------------------------------------------------------------------------------

    async def test_newest_first_by_pages_while_more_come(self, kit: Kit) -> None:
        for n in range(25):
            await append(kit, f"{n:02}")
        seen: list[str] = []
        cursor: str | None = None
        other = await kit.another_store()
        for page_no in range(10):
            page = await kit.store.audit(AuditFilter(), limit=10, cursor=cursor)
            seen += [entry.entity_id for entry in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
            late = Act(action=Action.LOGIN_FAIL, entity_id=f"late {page_no}")
            await asyncio.gather(*(store.append_audit(ADA, late) for store in (kit.store, other)))
        assert seen == [f"{n:02}" for n in reversed(range(25))], "each once, and none is missed"
        newest = await kit.store.audit(AuditFilter(), limit=29)
        assert newest.items[0].entity_id == "late 1"
        assert newest.next_cursor is None
        with pytest.raises(Invalid):
            await kit.store.audit(AuditFilter(), limit=10, cursor="nonsense")

    async def test_each_condition_and_all_together(self, kit: Kit) -> None:
        key = By(kind=Actor.KEY, id="the key's id", name="shop", account="b")
        await append(kit, "x", account="a")
        kit.clock.advance(10)
        await append(kit, "x", key, account="b")
        kit.clock.advance(10)
        await kit.store.pause("x", by=ADA)
        kit.clock.advance(10)
        await kit.store.resume("x", by=key)
        start = kit.clock.now - timedelta(seconds=30)

        async def found(**where: Any) -> list[str]:
            return [f"{one.action} {one.actor_kind}" for one in await entries(kit, **where)]

        failed, failed_key, paused, resumed = reversed(await found())
        assert (failed, failed_key) == ("login.fail user", "login.fail key")
        assert await found(account="a") == [failed]
        assert await found(account="c") == []
        assert await found(entity="queue") == [resumed, paused]
        assert await found(entity_id="x", entity="user") == [failed_key, failed]
        assert await found(entity_id="y") == []
        assert await found(actions=("queue.pause",)) == [paused]
        assert await found(actions=("queue.pause", "login.fail")) == [paused, failed_key, failed]
        assert await found(actor="the key's id") == await found(actor="shop") == [resumed, failed_key]
        assert await found(actor_account="b") == [resumed, failed_key]
        assert await found(since=start + timedelta(seconds=20)) == [resumed, paused]
        assert await found(until=start + timedelta(seconds=20)) == [failed_key, failed]
        assert await found(
            account="b",
            entity="user",
            entity_id="x",
            actions=("login.fail",),
            actor="shop",
            since=start,
            until=kit.clock.now,
        ) == [failed_key]

    async def test_what_looks_like_a_key_or_a_token_is_cut(self, kit: Kit) -> None:
        token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
        by = By(kind=Actor.KEY, name=f"my {SECRET}")
        act = Act(
            action=Action.LOGIN_FAIL,
            entity_id=SECRET,
            before={SECRET: 1},
            after={"a": token},
            meta={"b": [SECRET]},
        )
        await kit.store.append_audit(by, act)
        entry = await only(kit)
        assert "xxx" not in str(entry)
        assert "c2ln" not in str(entry)
        assert (entry.actor_name, entry.entity_id, entry.after) == ("my tfk_…", "tfk_…", {"a": "eyJ…"})


def _text(at: Any) -> str:
    return str(at.isoformat()).replace("+00:00", "Z")
