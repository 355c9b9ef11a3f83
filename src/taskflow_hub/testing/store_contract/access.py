"""Users, their logins, keys, how often anybody may try; and lists for those who may look into every account."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from taskflow_hub.domain.access import Key, Role, Scope, User
from taskflow_hub.domain.buckets import Charge
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import EmailTaken, LastAdmin, NotFound, RegistrationClosed, TaskflowError
from taskflow_hub.domain.lifecycle import UNSTARTED, State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.store.base import Store
from taskflow_hub.store.values import Bucket, BulkAction, NewKey, NewUser, TaskFilter
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit
from taskflow_hub.testing.store_contract.reading import walk

EMAIL = "Zoë.Straße@Example.org"
SPELLINGS = ("zoë.straße@example.org", "ZOË.STRAßE@EXAMPLE.ORG", "Zoe\u0308.Straße@example.ORG")


def new_user(email: str | None = None, password_hash: str = "hash") -> NewUser:
    id = new_id()
    return NewUser(id=id, email=email or f"{id}@example.org", password_hash=password_hash)


def new_key(account: str = DEFAULT_ACCOUNT, **fields: Any) -> NewKey:
    id = new_id()
    given = {"user_id": None, "name": "k", "digest": f"digest of {id}", "scopes": (Scope.READ,), **fields}
    return NewKey(id=id, account_id=account, **given)


def good(outcome: User | TaskflowError) -> User:
    assert isinstance(outcome, User), f"refused: {outcome!r}"
    return outcome


async def registered(kit: Kit, email: str | None = None) -> User:
    return good(await kit.store.register_user(new_user(email), closed=False))


async def an_admin(kit: Kit, account: str = DEFAULT_ACCOUNT) -> User:
    return good(await kit.store.add_user(new_user(), account, Role.ADMIN))


async def login(kit: Kit, user: User, ttl_s: float = 100.0) -> str:
    session = new_id()
    assert await kit.store.begin_session(session, user.id, ttl_s)
    return session


async def at_once(kit: Kit, *calls: Callable[[Store], Awaitable[Any]], handles: int = 2) -> list[Any]:
    """Each on one of several handles of the database in turn, all at the same time."""
    stores = [kit.store, *[await kit.another_store() for _ in range(handles - 1)]]
    return await asyncio.gather(*(call(stores[n % handles]) for n, call in enumerate(calls)))


class AccessContract(ContractBase):
    # --- users -----------------------------------------------------------------------------------------------------------

    async def test_the_first_user_is_admin_of_what_was_there_before(self, kit: Kit) -> None:
        first = new_user()
        assert await kit.store.register_user(first, closed=False) == User(
            id=first.id,
            account_id=DEFAULT_ACCOUNT,
            email=first.email,
            role=Role.ADMIN,
            created_at=kit.clock.now,
        )
        later = await registered(kit)
        assert (later.account_id, later.role) == (later.id, Role.USER), "an account of their own"
        assert await kit.store.user(later.id) == later
        assert await kit.store.user(new_id()) is None

    async def test_closed_but_for_the_first(self, kit: Kit) -> None:
        first = await kit.store.register_user(new_user(EMAIL), closed=True)
        assert good(first).role is Role.ADMIN
        for email in (None, EMAIL):
            refused = await kit.store.register_user(new_user(email), closed=True)
            assert isinstance(refused, RegistrationClosed), "and nothing is said of who is there"
        assert await kit.store.users(None) == [first]
        added = good(await kit.store.add_user(new_user(), "new account", Role.VIEWER))
        assert (added.account_id, added.role) == ("new account", Role.VIEWER)

    async def test_who_was_added_first_is_the_first(self, kit: Kit) -> None:
        good(await kit.store.add_user(new_user(), "a", Role.VIEWER))
        assert (await registered(kit)).role is Role.USER
        refused = await kit.store.register_user(new_user(), closed=True)
        assert isinstance(refused, RegistrationClosed)

    async def test_upper_and_lower_case_make_no_difference(self, kit: Kit) -> None:
        user = good(await kit.store.register_user(new_user(EMAIL, "the hash"), closed=False))
        assert user.email == EMAIL, "it is shown as it was given"
        for spelling in (EMAIL, *SPELLINGS):
            assert await kit.store.login(spelling) == (user, "the hash")
            refused = await kit.store.register_user(new_user(spelling), closed=False)
            assert isinstance(refused, EmailTaken)
            assert isinstance(await kit.store.add_user(new_user(spelling), "a", Role.USER), EmailTaken)
        assert await kit.store.login("somebody@example.org") is None
        assert await kit.store.users(None) == [user], "whoever is refused is not there"

    async def test_users_of_an_account_or_of_all(self, kit: Kit) -> None:
        users = []
        for account in ("a", "b", "a"):
            users.append(good(await kit.store.add_user(new_user(), account, Role.USER)))
            kit.clock.advance(1)
        assert await kit.store.users(None) == users, "oldest first"
        assert await kit.store.users("a") == [users[0], users[2]]
        assert await kit.store.users("c") == []
        assert await kit.store.users(None, limit=2) == users[:2]
        assert await kit.store.users(None, after=users[0].id, limit=1) == [users[1]]
        assert await kit.store.users("a", after=users[0].id) == [users[2]]
        assert await kit.store.users(None, after=users[2].id, limit=5) == []

    @pytest.mark.parametrize("closed", [False, True])
    async def test_of_several_first_at_once_one_becomes_admin(self, kit: Kit, closed: bool) -> None:
        outcomes = await at_once(
            kit,
            *[lambda store: store.register_user(new_user(), closed=closed) for _ in range(9)],
            handles=3,
        )
        users = [outcome for outcome in outcomes if isinstance(outcome, User)]
        assert [user.account_id for user in users if user.role is Role.ADMIN] == [DEFAULT_ACCOUNT]
        assert len(users) == (1 if closed else 9)
        assert all(isinstance(outcome, User | RegistrationClosed) for outcome in outcomes)
        assert {user.id for user in await kit.store.users(None)} == {user.id for user in users}

    @pytest.mark.parametrize("first", [True, False])
    async def test_of_several_with_one_address_at_once_one_is_there(self, kit: Kit, first: bool) -> None:
        if not first:
            await registered(kit)
        calls: list[Callable[[Store], Awaitable[Any]]] = [
            *[lambda store: store.register_user(new_user(EMAIL), closed=False) for _ in range(4)],
            *[lambda store: store.add_user(new_user(EMAIL), "a", Role.USER) for _ in range(4)],
        ]
        outcomes = await at_once(kit, *calls)
        assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, EmailTaken) for outcome in outcomes) == 7

    # --- roles and passwords ---------------------------------------------------------------------------------------------

    async def test_a_role_takes_effect_with_the_next_look(self, kit: Kit) -> None:
        await an_admin(kit)
        user = await registered(kit)
        session = await login(kit, user)
        for role in (Role.VIEWER, Role.VIEWER, Role.ADMIN, Role.USER):
            changed = await kit.store.set_role(user.id, role)
            assert changed == replace(user, role=role)
            assert await kit.store.session(session) == changed
        assert isinstance(await kit.store.set_role(new_id(), Role.ADMIN), NotFound)

    async def test_the_last_admin_stays(self, kit: Kit) -> None:
        admin, user = await registered(kit), await registered(kit)
        for role in (Role.USER, Role.VIEWER):
            assert isinstance(await kit.store.set_role(admin.id, role), LastAdmin)
        assert await kit.store.set_role(admin.id, Role.ADMIN) == admin, "that is no change"
        assert await kit.store.user(admin.id) == admin
        good(await kit.store.set_role(user.id, Role.ADMIN))  # of another account, but admin is admin
        assert good(await kit.store.set_role(admin.id, Role.USER)).role is Role.USER
        assert isinstance(await kit.store.set_role(user.id, Role.USER), LastAdmin)

    async def test_admins_who_take_the_role_from_each_other_at_once(self, kit: Kit) -> None:
        admins = [await an_admin(kit) for _ in range(3)]
        other = await kit.another_store()
        for _ in range(5):
            outcomes = await asyncio.gather(
                *(
                    store.set_role(admin.id, Role.USER)
                    for admin, store in zip(admins, (kit.store, other, kit.store), strict=True)
                )
            )
            assert sum(isinstance(outcome, LastAdmin) for outcome in outcomes) == 1
            left = [user for user in await kit.store.users(None) if user.role is Role.ADMIN]
            assert len(left) == 1
            for admin in admins:
                good(await kit.store.set_role(admin.id, Role.ADMIN))

    async def test_a_new_password_ends_every_session(self, kit: Kit) -> None:
        user, other = await registered(kit), await registered(kit)
        sessions = [await login(kit, user), await login(kit, user)]
        kept = await login(kit, other)
        assert await kit.store.set_password(user.id, "new hash") == user
        assert await kit.store.login(user.email) == (user, "new hash")
        assert await kit.store.login(other.email) == (other, "hash")
        for session in sessions:
            assert await kit.store.session(session) is None
            assert await kit.store.refresh_session(session, 1, 100.0) is None
        assert await kit.store.session(kept) == other
        assert await kit.store.session(await login(kit, user)) == user
        assert await kit.store.set_password(new_id(), "hash") is None

    # --- sessions --------------------------------------------------------------------------------------------------------

    async def test_a_session_ends_after_its_time(self, kit: Kit) -> None:
        user = await registered(kit)
        session = await login(kit, user, 10.0)
        kit.clock.advance(9.999_999)
        assert await kit.store.session(session) == user
        kit.clock.advance(0.000_001)
        assert await kit.store.session(session) is None
        assert await kit.store.refresh_session(session, 1, 10.0) is None
        assert await kit.store.session(session) is None
        assert await kit.store.session(new_id()) is None
        assert not await kit.store.begin_session(new_id(), new_id(), 10.0), "there is no such user"

    async def test_no_session_begins_with_a_password_that_has_changed(self, kit: Kit) -> None:
        user = await registered(kit)
        assert await kit.store.begin_session(new_id(), user.id, 10.0, password_hash="hash")
        await kit.store.set_password(user.id, "another")
        assert not await kit.store.begin_session(new_id(), user.id, 10.0, password_hash="hash")
        assert await kit.store.begin_session(new_id(), user.id, 10.0, password_hash="another")
        assert await kit.store.set_password(user.id, "a third", was="hash") is None, "somebody was faster"
        assert await kit.store.set_password(user.id, "a third", was="another") == user

    async def test_a_refresh_goes_on(self, kit: Kit) -> None:
        user = await registered(kit)
        session = await login(kit, user, 10.0)
        for generation in (1, 2, 3):
            kit.clock.advance(9)
            assert await kit.store.refresh_session(session, generation, 10.0) == user
            assert await kit.store.session(session) == user
        assert await kit.store.refresh_session(session, 4, 1.0) == user
        kit.clock.advance(1)
        assert await kit.store.session(session) is None, "it has the time of its last refresh"

    @pytest.mark.parametrize("generation", [1, 2])
    async def test_a_refresh_token_used_twice_ends_the_session(self, kit: Kit, generation: int) -> None:
        user = await registered(kit)
        session, other = await login(kit, user), await login(kit, user)
        for present in (1, 2):
            assert await kit.store.refresh_session(session, present, 100.0) == user
        assert await kit.store.refresh_session(session, generation, 100.0) is None
        assert await kit.store.session(session) is None
        assert await kit.store.refresh_session(session, 3, 100.0) is None, "nor does the newest go on"
        assert await kit.store.session(other) == user, "another login is not concerned"

    async def test_a_generation_that_never_was_changes_nothing(self, kit: Kit) -> None:
        user = await registered(kit)
        session = await login(kit, user)
        for generation in (2, 3, 1_000):
            assert await kit.store.refresh_session(session, generation, 100.0) is None
        assert await kit.store.refresh_session(new_id(), 1, 100.0) is None
        assert await kit.store.session(session) == user
        assert await kit.store.refresh_session(session, 1, 100.0) == user

    async def test_of_several_refreshes_at_once_one_goes_on(self, kit: Kit) -> None:
        user = await registered(kit)
        session = await login(kit, user)
        outcomes = await at_once(
            kit, *[lambda store: store.refresh_session(session, 1, 100.0) for _ in range(6)]
        )
        assert sorted(outcomes, key=str) == sorted([user, *[None] * 5], key=str)
        assert await kit.store.session(session) is None, "for the others came with a token that was used"

    async def test_logging_out(self, kit: Kit) -> None:
        user = await registered(kit)
        session, other = await login(kit, user), await login(kit, user)
        for _ in range(2):
            await kit.store.end_session(session)
            assert await kit.store.session(session) is None
        assert await kit.store.refresh_session(session, 1, 100.0) is None
        assert await kit.store.session(other) == user

    # --- keys ------------------------------------------------------------------------------------------------------------

    async def test_a_key_is_found_by_its_digest(self, kit: Kit) -> None:
        new = new_key(user_id="u", name="Žluť", scopes=(Scope.WORK, Scope.READ), queues=("q", 'a"b,{}'))
        made = await kit.store.create_key(new)
        assert made == Key(
            id=new.id,
            account_id=DEFAULT_ACCOUNT,
            user_id="u",
            name="Žluť",
            scopes=(Scope.WORK, Scope.READ),
            queues=("q", 'a"b,{}'),
            created_at=kit.clock.now,
        )
        plain = await kit.store.create_key(new_key(scopes=()))
        assert (plain.scopes, plain.queues, plain.user_id) == ((), (), None)
        assert await kit.store.key(new.digest) == made
        assert await kit.store.key("another") is None
        assert await kit.store.keys(DEFAULT_ACCOUNT) == sorted(
            [made, plain], key=lambda key: key.id, reverse=True
        )

    async def test_a_key_that_expires(self, kit: Kit) -> None:
        new = new_key(expires_in_s=10.0)
        made = await kit.store.create_key(new)
        assert made.expires_at == kit.clock.now + timedelta(seconds=10)
        kit.clock.advance(9.999_999)
        assert await kit.store.key(new.digest) == made
        kit.clock.advance(0.000_001)
        assert await kit.store.key(new.digest) is None
        assert await kit.store.keys(None) == [made], "but it is listed"

    async def test_a_key_is_revoked_once(self, kit: Kit) -> None:
        new = new_key("a")
        made = await kit.store.create_key(new)
        assert await kit.store.revoke_key("b", new.id) is None, "another account's"
        assert await kit.store.revoke_key(None, new_id()) is None
        assert await kit.store.key(new.digest) == made
        revoked = await kit.store.revoke_key("a", new.id)
        assert revoked == replace(made, revoked_at=kit.clock.now)
        assert await kit.store.key(new.digest) is None
        kit.clock.advance(1)
        for account in ("a", None):
            assert await kit.store.revoke_key(account, new.id) == revoked, "twice: no change"
        assert await kit.store.keys("a") == [revoked]
        other = await kit.store.create_key(new_key("a"))
        found = await kit.store.revoke_key(None, other.id)
        assert found == replace(other, revoked_at=kit.clock.now), "of whatever account"

    async def test_keys_of_an_account_or_of_all(self, kit: Kit) -> None:
        keys: list[Key] = []
        for account in ("a", "b", "a"):
            keys.insert(0, await kit.store.create_key(new_key(account)))
            kit.clock.advance(1)
        assert await kit.store.keys(None) == keys, "newest first"
        assert await kit.store.keys("a") == [keys[0], keys[2]]
        assert await kit.store.keys("c") == []
        assert await kit.store.keys(None, limit=2) == keys[:2]
        assert await kit.store.keys(None, before=keys[0].id, limit=1) == [keys[1]]
        assert await kit.store.keys("a", before=keys[0].id) == [keys[2]]
        assert await kit.store.keys(None, before=keys[2].id, limit=5) == []

    async def test_when_keys_were_used_last(self, kit: Kit) -> None:
        keys = [await kit.store.create_key(new_key()) for _ in range(3)]
        kit.clock.advance(60)
        await kit.store.use_keys([keys[0].id, keys[1].id, new_id()])
        at = kit.clock.now
        assert {key.id: key.last_used_at for key in await kit.store.keys(None)} == {
            keys[0].id: at,
            keys[1].id: at,
            keys[2].id: None,
        }
        kit.clock.advance(60)
        await at_once(kit, *[lambda store: store.use_keys({key.id for key in keys}) for _ in range(4)])
        await kit.store.use_keys([])
        assert {key.last_used_at for key in await kit.store.keys(None)} == {kit.clock.now}

    # --- buckets ---------------------------------------------------------------------------------------------------------

    async def test_a_bucket_is_full_at_first_and_fills_again(self, kit: Kit) -> None:
        bucket = Bucket("b", burst=3.0, per_second=0.5)
        assert [await kit.store.spend([bucket]) for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]
        kit.clock.advance(1)
        assert await kit.store.spend([bucket]) == 1.0, "who was refused has taken nothing"
        kit.clock.advance(1)
        assert [await kit.store.spend([bucket]) for _ in range(2)] == [0.0, 2.0]
        kit.clock.advance(1_000)
        assert [await kit.store.spend([bucket]) for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]

    @pytest.mark.parametrize("per_second", [0.1, 1 / 3, 3.0, 7.0, 1 / 7])
    async def test_who_waits_as_long_as_was_said_gets_one(self, kit: Kit, per_second: float) -> None:
        bucket = Bucket("b", burst=2.0, per_second=per_second)
        for _ in range(20):
            while (wait_s := await kit.store.spend([bucket])) == 0.0:
                pass
            assert 0 < wait_s <= 1 / per_second + 1e-6
            kit.clock.advance(wait_s)
            assert await kit.store.spend([bucket]) == 0.0

    async def test_from_each_or_from_none(self, kit: Kit) -> None:
        small, large = Bucket("small", 1.0, 0.1), Bucket("large", 3.0, 1.0)
        assert await kit.store.spend([large, small]) == 0.0
        for _ in range(3):
            assert await kit.store.spend([large, small]) == 10.0
        assert [await kit.store.spend([large]) for _ in range(3)] == [0.0, 0.0, 1.0], "it kept its two"
        assert await kit.store.spend([small, large]) == 10.0, "until there is one in each"
        assert await kit.store.spend([Bucket("new", 1.0, 1.0), small]) == 10.0
        assert await kit.store.spend([Bucket("new", 1.0, 1.0)]) == 0.0, "what came with it is whole"
        assert await kit.store.spend([]) == 0.0

    async def test_a_refund_fills_it_up(self, kit: Kit) -> None:
        bucket, other = Bucket("b", 2.0, 0.1), Bucket("other", 1.0, 0.1)
        assert [await kit.store.spend([one]) for one in (bucket, bucket, other)] == [0.0, 0.0, 0.0]
        await kit.store.refund("b")
        await kit.store.refund("never used")
        assert [await kit.store.spend([bucket]) for _ in range(3)] == [0.0, 0.0, 10.0]
        assert await kit.store.spend([other]) == 10.0

    async def test_a_charge_takes_what_was_granted_already(self, kit: Kit) -> None:
        bucket = Bucket("b", burst=3.0, per_second=0.5)
        now = {"b": Charge(4.0, 4.0), "other": Charge(1.5, 1.5)}
        assert await kit.store.charge(now) == {"b": 4.0, "other": 1.5}
        assert [await kit.store.spend([bucket]) for _ in range(2)] == [0.0, 2.0]
        assert await kit.store.charge({"b": Charge(20.0, 20.0)}) == {"b": 26.0}
        assert await kit.store.spend([bucket]) == 22.0, "13 were taken from 3, so 11 are missing to one"
        kit.clock.advance(22)
        assert [await kit.store.spend([bucket]) for _ in range(2)] == [0.0, 2.0]
        kit.clock.advance(1_000)
        assert await kit.store.charge({"b": Charge(2.0, 2.0)}) == {"b": 2.0}, "a full one does not get fuller"
        assert await kit.store.charge({}) == {}

    async def test_a_charge_that_is_told_late_counts_from_when_it_was_granted(self, kit: Kit) -> None:
        await kit.store.charge({"b": Charge(5.0, 5.0)})
        kit.clock.advance(10)
        assert await kit.store.charge({"b": Charge(2.0, 1.0)}) == {"b": 1.0}, (
            "granted a second ago, when it was full"
        )
        kit.clock.advance(10)
        assert await kit.store.charge({"b": Charge(2.0, -3.0)}) == {"b": -3.0}, "and has filled again"
        assert await kit.store.charge({"new": Charge(2.0, -3.0)}) == {"new": -3.0}
        assert await kit.store.charge({"b": Charge(8.0, 1.0), "new": Charge(1.0, 1.0)}) == {
            "b": 5.0,
            "new": 1.0,
        }
        await kit.store.prune({}, 100)

    async def test_many_charge_at_once(self, kit: Kit) -> None:
        """In whatever order; nothing that is said is lost."""
        a, b, c = (Charge(n, n) for n in (1.0, 2.0, 3.0))
        sets = [{"a": a, "b": b, "c": c}, {"c": c, "b": b}, {"b": b, "a": a}] * 10
        told = await at_once(kit, *[lambda store, some=some: store.charge(some) for some in sets], handles=3)
        assert max(answer.get("a", 0.0) for answer in told) == 20.0
        assert max(answer.get("b", 0.0) for answer in told) == 60.0
        assert sorted(answer["c"] for answer in told if "c" in answer) == [3.0 * n for n in range(1, 21)]

    async def test_many_spend_at_once(self, kit: Kit) -> None:
        """In whatever order each names them; no more is taken than there was."""
        a, b, c = (Bucket(name, burst, 0.001) for name, burst in (("a", 10.0), ("b", 7.0), ("c", 9.0)))
        sets = [[a, b], [b, a], [c, b, a], [a, c], [c, a]] * 6
        waits = await at_once(kit, *[lambda store, some=some: store.spend(some) for some in sets], handles=3)
        taken = [
            bucket.name for some, wait_s in zip(sets, waits, strict=True) for bucket in some if not wait_s
        ]
        assert all(taken.count(bucket.name) <= bucket.burst for bucket in (a, b, c))
        assert taken.count("a") == 10, "each of them takes one of a, so that is spent to the last"

    # --- every account ---------------------------------------------------------------------------------------------------

    async def test_owners(self, kit: Kit) -> None:
        live = await kit.submit(account_id="a")
        done, _ = await kit.in_state(State.FAILED, account_id="b")
        assert await kit.store.owners([live.id, done, new_id()]) == {live.id: "a", done: "b"}
        assert await kit.store.owners([]) == {}

    async def test_counts_and_bulk_operations_of_an_account_or_of_all(self, kit: Kit) -> None:
        since = kit.clock.now
        for account in ("a", "a", "b"):
            task = await kit.submit(account_id=account, queue="q")
            if account == "b":
                await kit.store.cancel("b", [task.id])
        counted: dict[str | None, tuple[int, int]] = {"a": (2, 0), "b": (0, 1), "c": (0, 0), None: (2, 1)}
        for whose, (waiting, ended) in counted.items():
            assert sum(depth.count for depth in await kit.store.depths(whose)) == waiting
            assert (
                sum(rate.count for rate in await kit.store.rates(whose, since - timedelta(minutes=1)))
                == ended
            )
        bulk = await kit.store.create_bulk(new_id(), "a", BulkAction.CANCEL, TaskFilter(), 1)
        assert await kit.store.bulk("b", bulk.id) is None
        assert await kit.store.bulk(None, bulk.id) == bulk
        assert await kit.store.abort_bulk("b", bulk.id) is None
        assert await kit.store.abort_bulk(None, bulk.id) is not None

    async def test_a_list_of_all_accounts(self, kit: Kit) -> None:
        ids = []
        for n, state in enumerate([*State] * 3):
            id, _ = await kit.in_state(
                state,
                type="t" if state in UNSTARTED else "r",
                queue="pqr"[n % 3],
                tags=("x",) if n % 4 else (),
                account_id=f"account {n % 2}",
            )
            ids.append(id)
            kit.clock.advance(1)
        tasks = await kit.store.tasks(ids)
        half = tasks[ids[len(ids) // 2]].created_at
        for where in (
            TaskFilter(),
            TaskFilter(status=(State.QUEUED, State.FAILED, State.SUCCESS)),
            TaskFilter(status=(State.CANCELLED,), tag="x"),
            TaskFilter(tag="x"),
            TaskFilter(tag="nothing"),
            TaskFilter(queue="p", type="r"),
            TaskFilter(queues=("p", "q")),
            TaskFilter(queues=("p", "q"), tag="x", status=(State.SKIPPED, State.RUNNING, State.SUCCESS)),
            TaskFilter(created_after=half),
            TaskFilter(created_before=half, tag="x"),
        ):
            expected = sorted([id for id in ids if _matches(where, tasks[id])], reverse=True)
            for limit in (4, 1_000):
                assert await walk(kit, where, limit, None) == expected, where

    async def test_a_filter_of_queues(self, kit: Kit) -> None:
        """Bulk operations go by `count` and `entries`, and keep their filter."""
        ids = [(await kit.in_state(state, queue=queue))[0] for state in State for queue in "pqr"]
        ids += [(await kit.in_state(State.SUCCESS, queue=f"q{n}", tags=("x",)))[0] for n in range(20)]
        await kit.in_state(State.SUCCESS, queue="p", account_id="other")
        tasks = await kit.store.tasks(ids)
        many = tuple(f"q{n}" for n in range(20))
        for where in (
            TaskFilter(queues=("p",)),
            TaskFilter(queues=("p", "r", "p", "nothing")),
            TaskFilter(queues=("p", "r"), queue="p"),
            TaskFilter(queues=("p", "r"), queue="q"),
            TaskFilter(queues=("p", "r"), status=(State.QUEUED, State.SUCCESS, State.FAILED)),
            TaskFilter(queues=("p", *many)),
            TaskFilter(queues=many[:2], tag="x"),
            TaskFilter(queues=many, tag="x", status=(State.SUCCESS,)),
            TaskFilter(queues=("nothing",)),
        ):
            expected = sorted([id for id in ids if _matches(where, tasks[id])], reverse=True)
            for limit in (5, 1_000):
                assert await walk(kit, where, limit) == expected, where
            entries = await kit.store.entries(DEFAULT_ACCOUNT, where, limit=1_000)
            assert [entry.id for entry in entries.items] == expected, where
            assert await kit.store.count(DEFAULT_ACCOUNT, where) == len(expected), where
        id = new_id()
        await kit.store.create_bulk(id, DEFAULT_ACCOUNT, BulkAction.CANCEL, TaskFilter(queues=("p",)), 1)
        kept = await kit.store.bulk(DEFAULT_ACCOUNT, id)
        assert kept is not None
        assert kept.where == TaskFilter(queues=("p",))

    # --- upkeep ----------------------------------------------------------------------------------------------------------

    async def test_what_has_run_out_is_pruned_in_limited_steps(self, kit: Kit) -> None:
        user = await registered(kit)
        for n in range(5):
            await login(kit, user, 10.0)
            await kit.store.spend([Bucket(f"b{n}", 1.0, 0.1)])
        long = await login(kit, user, 1_000.0)
        slow = Bucket("slow", 1.0, 0.001)
        await kit.store.spend([slow])
        kit.clock.advance(9)
        assert not (await kit.store.prune({}, 2)).more, "it is not over yet"
        kit.clock.advance(1)
        assert [(await kit.store.prune({}, 2)).more for _ in range(4)] == [True, True, False, False]
        assert await kit.store.session(long) == user
        assert await kit.store.spend([slow]) == 990.0


def _matches(where: TaskFilter, task: Any) -> bool:
    """The same said in Python."""
    return (
        (not where.status or task.status in where.status)
        and (where.type is None or task.type == where.type)
        and (where.queue is None or task.queue == where.queue)
        and (not where.queues or task.queue in where.queues)
        and (where.tag is None or where.tag in task.tags)
        and (where.created_after is None or task.created_at >= where.created_after)
        and (where.created_before is None or task.created_at < where.created_before)
    )
