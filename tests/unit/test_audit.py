"""Who acts, and what is kept of what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_explain import NOW

from taskflow_hub.cli.show_audit import change, who
from taskflow_hub.domain.access import ANYBODY, Key, Role, Scope, User, by_key, by_user
from taskflow_hub.domain.audit import (
    ADDRESS_MAX,
    AGENT_MAX,
    Action,
    Actor,
    AuditEntry,
    By,
    Entity,
    by_operator,
    by_who,
    changed,
    masked,
    redacted,
)
from taskflow_hub.domain.model import Queue

ADA = User(id="u", account_id="a", email="ada@example.org", role=Role.USER, created_at=NOW)


def entry(**fields: object) -> AuditEntry:
    given = {**dict.fromkeys(AuditEntry.__struct_fields__), "actor_kind": "user", **fields}
    return AuditEntry(**given)  # type: ignore[arg-type]


def test_every_action_is_done_to_something_and_everything_has_actions() -> None:
    assert {action.entity for action in Action} == set(Entity)
    assert Action.LOGIN_FAIL.entity is Entity.USER


def test_who_acts() -> None:
    key = Key(id="k", account_id="a", user_id="u", name="shop", scopes=(Scope.READ,), created_at=NOW)
    came = {"address": "192.0.2.7", "agent": "curl"}
    known = By(kind=Actor.USER, id="u", name=ADA.email, account="a", **came)
    assert by_who(by_user(ADA, "session"), "192.0.2.7", "curl") == known
    assert by_who(None, "192.0.2.7", "curl").as_user(ADA) == known
    assert by_who(by_key(key, None), "", None) == By(kind=Actor.KEY, id="k", name="shop", account="a")
    assert by_who(ANYBODY, "", None) == By(kind=Actor.ANYBODY, account="default")
    assert by_who(None, "", None) == By(kind=Actor.ANYBODY)
    assert by_operator("root\n@db") == By(kind=Actor.OPERATOR, name="root\ufffd@db")


@given(st.text(), st.text())
def test_what_a_request_says_becomes_one_short_line(address: str, agent: str) -> None:
    by = by_who(None, address, agent)
    assert by.agent is not None
    assert len(by.agent) <= AGENT_MAX
    assert by.agent.isprintable()
    assert by.address is None or (len(by.address) <= ADDRESS_MAX and by.address.isprintable())
    assert by_who(None, by.address or "", by.agent) == by


@pytest.mark.parametrize(
    ("email", "kept"),
    [("ada@example.org", "a…@e…"), ("hunter2@home", "h…@h…"), ("no address", "n…@…"), ("", "…@…")],
)
def test_of_an_unknown_address_nearly_nothing_is_kept(email: str, kept: str) -> None:
    assert masked(email) == kept


def test_keys_and_tokens_are_cut() -> None:
    secret = f"tfk_{'k' * 43}0123abcd"
    assert redacted(f"a {secret} and eyJhbGciOi.eyJzdWIi.c2ln!") == "a tfk_… and eyJ…!"
    assert redacted("tfk_ and eyJ") == "tfk_ and eyJ"
    huge = "eyJ" * 100_000  # in time that grows with its length, not with the square of it
    assert redacted(huge) == "eyJ…"


def test_what_differs_is_told_and_nothing_else() -> None:
    act = changed(Action.QUEUE_UPDATE, "q", Queue(name="q"), Queue(name="q", max_size=7))
    assert act is not None
    assert (act.before, act.after) == ({"max_size": None}, {"max_size": 7})
    assert changed(Action.QUEUE_PAUSE, "q", Queue(name="q"), Queue(name="q")) is None


def test_another_account_is_not_told_who_it_was() -> None:
    done = entry(actor="u", actor_name=ADA.email, actor_account="a", address="192.0.2.7", agent="curl")
    assert done.for_account("a") is done
    assert done.for_account("b") == entry()
    reset = entry(actor_kind="operator", actor_name="root@db-host")
    for account in ("a", "b"):
        assert reset.for_account(account) == entry(actor_kind="operator"), (
            "who has the database in hand is no tenant's to know"
        )
    failed = entry(actor_kind="anybody", address="192.0.2.7")
    assert failed.for_account("a") is failed, "who is not known may be shown to whose thing it was"


def test_how_it_looks_in_a_line() -> None:
    assert who(entry(actor="u", actor_name=ADA.email)) == ADA.email
    assert who(entry(actor="u")) == "u"
    assert who(entry()) == "an admin"
    assert who(entry(actor_kind="key", actor_name="shop")) == "key shop"
    assert who(entry(actor_kind="operator")) == "operator"
    assert who(entry(actor_kind="anybody")) == "–"
    assert change(entry(before={"paused": False}, after={"paused": True})) == "paused: no → yes"
    assert change(entry(before={"max_size": None}, after={"max_size": 7})) == "max_size: none → 7"
    assert change(entry(before={"status": "failed"}, meta={"type": "t"})) == "status: was failed"
    assert (
        change(entry(after={"scopes": ["read", "submit"], "queues": []}))
        == "scopes: read, submit; queues: none"
    )
    assert change(entry(meta={"filter": {"type": "t"}, "total": 3})) == "filter: type t; total: 3"
    assert change(entry(meta={"filter": {}})) == "filter: all"
    assert change(entry()) == ""
