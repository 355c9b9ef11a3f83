"""One class, one code, one sentence."""

import re

import pytest

from taskflow_hub.domain import ended, errors
from taskflow_hub.domain.errors import FieldError, Invalid, TaskflowError, all_errors

ALL = [error for error in all_errors() if error.__module__ == errors.__name__]


def test_every_class_has_a_code_of_its_own() -> None:
    shipped = [error for error in all_errors() if error.__module__.startswith("taskflow_hub.")]
    assert ended.TaskFailed in shipped
    codes = [error.code for error in shipped]
    assert len(set(codes)) == len(codes), f"a code is used twice: {sorted(codes)}"
    inherited = [error.__name__ for error in shipped if "code" not in vars(error)]
    assert not inherited, f"without a code of their own: {inherited}"


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_a_code_is_one_plain_word(error: type[TaskflowError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_the_docstring_is_the_message_when_nothing_better_is_said(error: type[TaskflowError]) -> None:
    assert error.__doc__
    assert error().detail == error.__doc__.strip()
    assert error.__doc__.strip().endswith(".")
    assert "\n" not in error.__doc__.strip(), "people read this; one line"


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_what_is_said_is_kept(error: type[TaskflowError]) -> None:
    raised = error("Look here.", errors=[FieldError("/a", "is odd")], retry_after_s=2.5)
    assert (raised.detail, str(raised)) == ("Look here.", "Look here.")
    assert raised.errors == (FieldError("/a", "is odd"),)
    assert raised.retry_after_s == 2.5


def test_a_field_error_names_the_field() -> None:
    error = Invalid.field("/tasks/3/priority", "must be at most 9")
    assert error.detail == "/tasks/3/priority: must be at most 9"
    assert error.errors == (FieldError("/tasks/3/priority", "must be at most 9"),)


def test_an_error_of_the_whole_body_says_so() -> None:
    error = Invalid.field("", "expected `object`")
    assert error.detail == "body: expected `object`"
    assert error.errors == (FieldError("", "expected `object`"),)


def test_an_error_of_a_part_can_be_said_of_the_whole() -> None:
    part = Invalid("two", errors=[FieldError("/a", "is odd"), FieldError("", "is too long")])
    whole = part.below("/tasks/3")
    assert whole.errors == (FieldError("/tasks/3/a", "is odd"), FieldError("/tasks/3", "is too long"))
    assert whole.detail == "/tasks/3/a: is odd; /tasks/3: is too long"


def test_the_module_shows_the_whole_tree_as_it_is() -> None:
    def drawn(error: type[TaskflowError], depth: int = 0) -> list[tuple[int, str]]:
        children = [child for child in error.__subclasses__() if child in ALL]
        return [(depth, error.__name__), *(line for child in children for line in drawn(child, depth + 1))]

    shown = [
        (len(line[1]) // 2, line[2])
        for line in re.finditer(r"^( *)[*x.-] ([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    ]
    assert shown == drawn(TaskflowError)


def test_the_tree_is_walked_from_its_root() -> None:
    assert ALL[0] is TaskflowError
    assert len(ALL) == len(set(ALL))
