"""Which failures are the same: what may differ, and what may not."""

import re
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.fingerprint import FRAMES, PATTERN, fingerprint, signature, where
from taskflow_hub.domain.model import Reason, TaskError

Frame = tuple[str, int, str]  # file, line, function

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,12}", fullmatch=True)
FOLDERS = st.lists(
    NAMES.filter(lambda name: name not in {"taskflow_hub", "lib"}), min_size=1, max_size=4
).map("/".join)
LINES = st.integers(1, 99_999)
FRAME_LISTS = st.lists(st.tuples(NAMES.map(lambda name: f"{name}_.py"), NAMES), min_size=1, max_size=FRAMES)
CLASSES = st.from_regex(r"[A-Z][A-Za-z]{0,20}", fullmatch=True)
IDS = st.one_of(
    st.integers().map(str),
    st.uuids().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.integers(0).map(hex),
    st.datetimes().map(lambda at: at.isoformat()),
)


def error(kind: str, frames: list[Frame], message: str = "") -> TaskError:
    lines = [
        f'  File "{file}", line {line}, in {function}\n    something({line})\n'
        for file, line, function in frames
    ]
    head, tail = "Traceback (most recent call last):\n", f"{kind}: {message}\n"
    return TaskError(kind, message, head + "".join(lines) + tail)


def raised(kind: str, frames: list[Frame], message: str = "") -> str:
    return signature(Reason.HANDLER, error(kind, frames, message))


@given(FRAME_LISTS, CLASSES, FOLDERS, FOLDERS, st.data())
def test_the_same_code_moved_by_lines_or_to_another_folder_is_the_same(
    frames: list[tuple[str, str]], kind: str, here: str, there: str, data: st.DataObject
) -> None:
    def at(folder: str) -> list[Frame]:
        return [(f"/{folder}/{file}", data.draw(LINES), function) for file, function in frames]

    assert raised(kind, at(here), "a") == raised(kind, at(there), "b")


@given(FRAME_LISTS, st.tuples(CLASSES, CLASSES).filter(lambda pair: pair[0] != pair[1]))
def test_another_exception_is_another(frames: list[tuple[str, str]], kinds: tuple[str, str]) -> None:
    there = [(f"/app/{file}", 1, function) for file, function in frames]
    assert raised(kinds[0], there) != raised(kinds[1], there)


@given(FRAME_LISTS, st.data())
def test_another_function_is_another(frames: list[tuple[str, str]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(frames) - 1))
    there = [(f"/app/{file}", 1, function) for file, function in frames]
    file, line, function = there[place]
    other = [*there[:place], (file, line, f"{function}z"), *there[place + 1 :]]
    assert raised("E", there) != raised("E", other)


@given(st.lists(st.sampled_from(["no", "row", "for", "user", "at"]), min_size=1), IDS, IDS)
def test_without_a_traceback_the_message_counts_but_for_its_ids(
    words: list[str], one: str, other: str
) -> None:
    said = " ".join(words)
    first, second, third = (
        signature(Reason.HANDLER, TaskError("Fail", text))
        for text in (f"{said} {one}", f"{said} {other}", said)
    )
    assert first == second
    assert first != third


@given(st.text(), st.text(), st.text() | st.none())
def test_whatever_is_said_there_is_a_fingerprint(kind: str, message: str, trace: str | None) -> None:
    found = fingerprint("t", signature(Reason.HANDLER, TaskError(kind, message, trace)))
    assert re.fullmatch(PATTERN, found)
    assert found == fingerprint("t", signature(Reason.HANDLER, TaskError(kind, message, trace)))
    assert found != fingerprint("u", signature(Reason.HANDLER, TaskError(kind, message, trace)))


@pytest.mark.parametrize("text", ["x", "-", "x-", "1.", "/", "/x", "x1/ ", "<"])
def test_a_megabyte_is_read_as_quickly_as_it_is_long(text: str) -> None:
    """Where the time grew with the square of the length, each of these would take longer than a test may."""
    message = text * (1_048_576 // len(text))
    for trace in (None, message, f'  File "{message}", line 1, in f'):
        assert re.match(PATTERN, signature(Reason.HANDLER, TaskError("E", message, trace)))


def test_a_lone_surrogate_is_no_obstacle() -> None:
    assert re.fullmatch(PATTERN, signature(Reason.HANDLER, TaskError("E", "\ud800")))


@pytest.mark.parametrize("reason", [one for one in Reason if one is not Reason.HANDLER])
def test_where_the_handler_did_not_fail_the_reason_says_it(reason: Reason) -> None:
    said = {signature(reason, None), signature(reason, TaskError("WorkerLost", "Worker w1 died."))}
    said.add(signature(reason, error("X", [("/a/b.py", 1, "f")])))
    assert len(said) == 1
    assert said != {signature(Reason.HANDLER, None)}


def test_how_deep_it_went_makes_no_difference() -> None:
    def deep(times: int) -> list[Frame]:
        return [("/a/run.py", 1, "start"), *[("/a/run.py", 9, "again")] * times, ("/a/run.py", 12, "end")]

    assert raised("E", deep(3)) == raised("E", deep(40))


def test_libraries_may_change_inside_while_the_users_code_is_the_same() -> None:
    mine: Frame = ("/app/pay.py", 7, "pay")
    old: Frame = ("/usr/lib/python3.11/site-packages/httpx/_client.py", 1, "send")
    new: Frame = ("/venv/lib/python3.13/site-packages/httpx/client.py", 2, "_send")
    assert raised("E", [mine, old]) == raised("E", [mine, new]) == raised("E", [new, mine, old])
    assert raised("E", [old]) != raised("E", [new])
    moved: Frame = ("C:\\Python313\\Lib\\site-packages\\httpx\\_client.py", 99, "send")
    assert raised("E", [old]) == raised("E", [moved])


def test_comprehensions_are_functions_only_for_old_pythons() -> None:
    mine: Frame = ("/app/pay.py", 7, "pay")
    assert raised("E", [mine, ("/app/pay.py", 8, "<listcomp>")]) == raised("E", [mine])


def test_a_package_is_known_by_its_folder() -> None:
    assert raised("E", [("/a/shop/__init__.py", 1, "f")]) != raised("E", [("/a/mail/__init__.py", 1, "f")])


def test_of_another_language_the_lines_count_but_for_numbers_and_folders() -> None:
    def go(folder: str, line: int, address: str) -> str:
        text = f"goroutine {line} [running]:\nmain.charge({address})\n\t{folder}/main.go:{line} +{address}\n"
        return signature(Reason.HANDLER, TaskError("panic", "x", text))

    assert go("/home/a", 12, "0xc0001") == go("/srv/b/c", 99, "0xd3")
    assert go("/a", 1, "0x1") != signature(Reason.HANDLER, TaskError("panic", "x", "main.refund()\n"))


# --- where it was ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        (
            [("/srv/app/pay.py", 3, "pay"), ("/v/lib/python3.12/json/decoder.py", 9, "decode")],
            "pay.py in pay",
        ),
        ([("/v/lib/python3.12/json/decoder.py", 9, "decode")], "json/decoder.py in decode"),
        ([("/x/src/taskflow_hub/builtin/files.py", 9, "read")], "taskflow_hub/builtin/files.py in read"),
        ([("<string>", 1, "<module>")], "<string> in <module>"),
        ([("/srv/shop/__init__.py", 1, "sell")], "shop/__init__.py in sell"),
        ([], None),
    ],
)
def test_where(frames: list[Frame], found: str | None) -> None:
    assert where(error("E", frames)) == found


def test_where_nothing_is_known() -> None:
    assert where(None) is where(TaskError("Fail", "no")) is None


# --- tracebacks as Python writes them --------------------------------------------------------------------------------


def _trace(run: Callable[[], object]) -> TaskError:
    try:
        run()
    except Exception as wrong:
        return TaskError(type(wrong).__name__, str(wrong), "".join(traceback.format_exception(wrong)))
    raise AssertionError("it did not raise")


def _inner(value: object) -> object:
    return int(value)  # type: ignore[call-overload]


def _chained(value: object) -> object:
    try:
        return _inner(value)
    except ValueError as wrong:
        raise RuntimeError("it is none") from wrong


def test_real_tracebacks() -> None:
    one, other, chained = (
        _trace(lambda: _inner("a")),
        _trace(lambda: _inner("b")),
        _trace(lambda: _chained("a")),
    )
    assert signature(Reason.HANDLER, one) == signature(Reason.HANDLER, other)
    assert signature(Reason.HANDLER, one) != signature(Reason.HANDLER, chained)
    assert where(one) == "test_fingerprint.py in _inner"
