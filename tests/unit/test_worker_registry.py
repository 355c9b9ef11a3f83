"""What may be registered, what a registered type declares, and what is refused with which words."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import pytest

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.domain.model import OnLost, Terms
from taskflow_hub.domain.retry import RetryKind, RetryPolicy
from taskflow_hub.domain.submission import Limit
from taskflow_hub.worker.context import Context
from taskflow_hub.worker.handler import Kind
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.secret import Secret


async def works(a: int = 1) -> int:
    """Add nothing.

    And say so.
    """
    return a


def plain(a: int = 1) -> int:
    return a


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


def positional(a: int, /) -> None: ...


def many(*a: int) -> None: ...


def any_name(**a: int) -> None: ...


def two_contexts(one: Context, two: Context | None = None) -> None: ...


def unknown_name(a: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


class Callme:
    """An object that is a handler."""

    async def __call__(self, a: int) -> int:
        return a

    def method(self, a: int) -> int:
        return a


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_a_type_declares_what_was_said_of_it(registry: Registry) -> None:
    policy = RetryPolicy(RetryKind.FIXED, base=2.0)
    handler = registry.add(
        "a.b-c_1", works, queue="mail", max_retries=None, retry=policy, timeout=None, on_lost="fail"
    )
    declared = handler.task_type
    assert (declared.type, declared.queue, declared.description) == ("a.b-c_1", "mail", "Add nothing.")
    assert (declared.max_retries, declared.retry, declared.timeout) == (None, policy, None)
    assert declared.on_lost is OnLost.FAIL
    assert registry.types() == (declared,)


def test_defaults_are_those_of_the_task_model(registry: Registry) -> None:
    declared = registry.add("t", plain, description="said").task_type
    assert (declared.queue, declared.max_retries, declared.timeout, declared.on_lost) == (
        "default",
        3,
        3600.0,
        OnLost.RETRY,
    )
    assert (declared.retry, declared.description) == (RetryPolicy(), "said")


def test_the_decorator_leaves_the_function_as_it_is(registry: Registry) -> None:
    assert registry.task("t", queue="q")(works) is works
    handler = registry.get("t")
    assert handler is not None
    assert handler.function is works
    assert "t" in registry
    assert len(registry) == 1
    assert list(registry) == [handler]
    assert registry.get("other") is None


@pytest.mark.parametrize(
    ("function", "cpu", "kind"),
    [
        (works, False, Kind.ASYNC),
        (plain, False, Kind.THREAD),
        (plain, True, Kind.PROCESS),
        (functools.partial(works, a=1), False, Kind.ASYNC),
        (functools.partial(functools.partial(plain), a=1), True, Kind.PROCESS),
        (Callme(), False, Kind.ASYNC),
        (Callme().method, False, Kind.THREAD),
        (lambda: None, False, Kind.THREAD),
    ],
)
def test_how_a_handler_runs_is_read_off_the_function(
    registry: Registry, function: Callable[..., Any], cpu: bool, kind: Kind
) -> None:
    assert registry.add("t", function, cpu=cpu).kind is kind


@pytest.mark.parametrize("name", ["", "A", "a b", "ä", "a/b", "a\n", "x" * 101, None, works])
def test_a_bad_name_is_refused(registry: Registry, name: Any) -> None:
    with pytest.raises(Misconfigured, match="1 to 100 characters"):
        registry.add(name, works)
    assert len(registry) == 0


@pytest.mark.parametrize("queue", ["", "A", "a.b", "x" * 65, None, "q\n"])
def test_a_bad_queue_is_refused(registry: Registry, queue: Any) -> None:
    with pytest.raises(Misconfigured, match=r"queue .*1 to 64 characters"):
        registry.add("t", works, queue=queue)
    assert len(registry) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": 101}, "max_retries"),
        ({"max_retries": 1.5}, "max_retries"),
        ({"max_retries": True}, "max_retries"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"timeout": "1"}, "timeout"),
        ({"on_lost": "never"}, "on_lost"),
        ({"retry": RetryPolicy(base=-1)}, r"retry.*base"),
        ({"retry": "fixed"}, "retry"),
    ],
)
def test_a_bad_option_is_refused_by_name(registry: Registry, options: dict[str, Any], words: str) -> None:
    with pytest.raises(Misconfigured, match=f"'t'.*{words}"):
        registry.add("t", works, **options)
    assert len(registry) == 0


def test_a_name_is_given_once(registry: Registry) -> None:
    registry.add("t", works)
    with pytest.raises(Misconfigured, match=r"'t'.*already.*works"):
        registry.add("t", plain)
    handler = registry.get("t")
    assert handler is not None
    assert handler.function is works


def test_a_registry_takes_over_another(registry: Registry) -> None:
    other = Registry()
    other.add("b", plain)
    registry.add("a", works)
    registry.include(other)
    registry.include(other)
    assert [declared.type for declared in registry.types()] == ["a", "b"]
    third = Registry()
    third.add("a", plain)
    third.add("c", plain)
    with pytest.raises(Misconfigured, match=r"'a'.*already"):
        registry.include(third)
    assert "c" not in registry


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (positional, "'a' must be usable by keyword"),
        (many, r"\*a.*not allowed"),
        (any_name, r"\*\*a.*not allowed"),
        (generator, "generator"),
        (async_generator, "generator"),
        (Callme, "must be a function"),
        (42, "must be a function"),
    ],
)
def test_a_signature_that_cannot_be_called_with_names_is_refused(
    registry: Registry, function: Any, words: str
) -> None:
    with pytest.raises(Misconfigured, match=words):
        registry.add("t", function)
    assert len(registry) == 0


@pytest.mark.parametrize(
    ("function", "words"),
    [(two_contexts, "only one parameter can be the Context"), (unknown_name, "annotation.*Nowhere")],
)
def test_annotations_are_checked_when_the_types_are_asked_for(
    registry: Registry, function: Callable[..., Any], words: str
) -> None:
    registry.add("t", function)  # a name in a string may be defined further down
    with pytest.raises(Misconfigured, match=words):
        registry.types()


def test_a_child_process_must_be_able_to_find_the_handler(registry: Registry) -> None:
    def closure() -> None: ...

    for function in (closure, lambda: None, Callme().method, Callme()):
        with pytest.raises(Misconfigured, match="child process"):
            registry.add("t", function, cpu=True)
    with pytest.raises(Misconfigured, match=r"plain `def`"):
        registry.add("t", works, cpu=True)
    with pytest.raises(Misconfigured, match="partial binds cannot be sent"):
        registry.add("t", functools.partial(plain, a=cast(int, lambda: 1)), cpu=True)


def test_a_function_that_its_module_no_longer_has_is_refused_before_work_begins(registry: Registry) -> None:
    def plain() -> int:  # its name leads to another function
        return 2

    plain.__qualname__ = "plain"
    registry.add("t", plain, cpu=True)
    with pytest.raises(Misconfigured, match="is not the registered handler"):
        registry.types()


def test_a_function_of_a_module_that_cannot_be_imported_is_refused_before_work_begins(
    registry: Registry,
) -> None:
    def lost() -> None: ...

    lost.__qualname__, lost.__module__ = "lost", "no.such.module"
    registry.add("t", lost, cpu=True)
    with pytest.raises(Misconfigured, match=r"could not import no\.such\.module\.lost"):
        registry.types()


# --- limits


def registered(limits: Any, handler: Callable[..., Any] = works) -> Registry:
    registry = Registry()
    registry.add("crm.push", handler, limits=limits)
    return registry


def test_limits_are_declared() -> None:
    limits = [Limit("crm", running=3, per_second=10), Limit("customer:{a}", running=1)]
    (declared,) = registered(iter(limits)).types()
    assert declared.limits == tuple(limits)
    registry = Registry()
    registry.task("crm.push", limits=limits)(works)
    handler = registry.get("crm.push")
    assert handler is not None
    assert handler.terms == Terms(limits=tuple(limits))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ([Limit("c:{id", running=1)], "limit 'c:{id': '{' at character 3 stands alone"),
        ([Limit("a")], "limit 'a': say how many may run"),
        (Limit("a", running=1), "limits must be a list of Limit: 'Limit' object is not iterable"),
        (["crm"], "limits must be a list of Limit: Expected `object`, got `str`"),
        ([Limit("two words", running=1)], "limits must be a list of Limit: Expected `str` matching regex"),
        ([Limit("a", running=0)], "limits must be a list of Limit: Expected `int` >= 1"),
    ],
)
def test_limits_that_are_none(limits: Any, words: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        registered(limits)
    assert str(caught.value).startswith(f"task type 'crm.push': {words}")


async def hides(customer: str, password: Secret[str]) -> None: ...


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("{password}", "limit '{password}': password is secret"),
        (
            "{custommer}",
            "limit '{custommer}': the payload has no field 'custommer'; it has customer, password",
        ),
    ],
)
def test_fields_that_no_limit_can_name(key: str, words: str) -> None:
    registry = registered([Limit(key, running=1)], hides)
    with pytest.raises(Misconfigured) as caught:
        registry.types()
    assert str(caught.value).startswith(f"task type 'crm.push': {words}")
