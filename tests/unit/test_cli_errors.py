"""Exit codes along the error tree, words that help, and secrets that stay secret."""

import re
from pathlib import Path

import pytest

from taskflow_hub.cli.errors import EXIT_CODES, as_typed, exit_code, explain, of_document
from taskflow_hub.cli.exits import MEANINGS
from taskflow_hub.domain import errors
from taskflow_hub.domain.errors import FieldError, Invalid, TaskflowError, all_errors
from taskflow_hub.redaction import HIDDEN, shown, without_secrets


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_an_exit_code_with_a_meaning(kind: type[TaskflowError]) -> None:
    code = exit_code(kind.__new__(kind))
    assert code in MEANINGS
    assert code not in {0, 130, 141, 143}
    if kind is not TaskflowError:
        assert (
            any(ancestor in EXIT_CODES for ancestor in kind.__mro__ if ancestor is not TaskflowError)
            or code == 1
        )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Invalid("x"), 2),
        (errors.TooLarge("x"), 2),
        (errors.Misconfigured("x"), 2),
        (errors.NotFound("x"), 3),
        (errors.TaskGone("x"), 3),
        (errors.Refused("x"), 4),
        (errors.Unavailable("x"), 5),
        (errors.StoreFull("x"), 5),
        (errors.SchemaMismatch("x"), 5),
        (errors.QueueFull("x"), 5),
        (errors.QuotaExceeded("x"), 5),
        (errors.NotAllowed("x"), 1),
        (TimeoutError("x"), 5),
        (PermissionError(13, "Permission denied", "f"), 1),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_the_codes_are_those_of_the_table(error: BaseException, code: int) -> None:
    assert exit_code(error) == code


def test_an_error_is_told_in_one_line_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    fields = [
        FieldError("/payload/a", "is required"),
        FieldError("/payload/ab", "is odd"),
        FieldError("", "is late"),
    ]
    assert explain(Invalid("/payload/ab: is odd", errors=fields)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["Error: payload.ab: is odd", "  payload.a: is required", "  request: is late"]


@pytest.mark.parametrize(
    ("pointer", "typed"),
    [
        ("/path/id", "ID"),
        ("/path/name", "QUEUE"),
        ("/query/created_after", "--created-after"),
        ("/query/status/0", "--status"),
        ("/header/Idempotency-Key", "--idempotency-key"),
        ("/type", "TYPE"),
        ("/run_at", "--run-at"),
        ("/tags/1", "--tag"),
        ("/limits/0/running", "--limit"),
        ("/unique/key", "--unique-key"),
        ("/payload", "payload"),
        ("/task/payload/a", "payload.a"),
        ("/task/type", "TYPE"),
        ("/task/max_retries", "--max-retries"),
        ("/task", "--task"),
        ("/payload/queue", "payload.queue"),
        ("/payload/a b", "payload.a b"),
        ("/payload/lines/0/a~1b~0", "payload.lines.0.a/b~"),
        ("", "request"),
        ("http.host", "http.host"),
        ("http/host", "http/host"),
    ],
)
def test_a_field_is_named_as_it_is_typed(
    pointer: str, typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert as_typed(pointer) == typed
    explain(Invalid.field(pointer, "is odd, as /payload is"))
    assert capsys.readouterr().err == f"Error: {typed}: is odd, as /payload is\n"


@pytest.mark.parametrize(
    ("pointer", "typed"),
    [
        ("/name", "/name"),
        ("/tags/0", "/tags/0"),
        ("", "request"),
        ("/header/Idempotency-Key", "--idempotency-key"),
    ],
)
def test_a_field_of_what_was_written_as_json_is_named_as_it_stands_there(
    pointer: str, typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Invalid) as refused, of_document():
        raise Invalid.field(pointer, "is odd")
    assert explain(refused.value) == exit_code(Invalid("x"))
    assert capsys.readouterr().err == f"Error: {typed}: is odd\n"


def test_two_fields_with_the_same_fault_are_both_told(capsys: pytest.CaptureFixture[str]) -> None:
    fields = [FieldError("/payload/a", "is required"), FieldError("/payload/b", "is required")]
    explain(Invalid("/payload/a: is required", errors=fields))
    assert capsys.readouterr().err.splitlines() == [
        "Error: payload.a: is required",
        "  payload.b: is required",
    ]


def test_a_full_queue_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    full = errors.QueueFull(
        "Queue 'q' is full: it may hold 1 waiting tasks.", errors=[FieldError("/queue", "queue 'q' is full")]
    )
    assert explain(full) == 5
    assert capsys.readouterr().err.splitlines() == [
        "Error: Queue 'q' is full: it may hold 1 waiting tasks.",
        "Let its workers catch up, or submit to another queue.",
    ]


def test_what_a_hostile_hub_says_is_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    explain(Invalid("\x1b[2J", errors=[FieldError("/\x1b[1m", "\x07")]))
    assert not re.search("[\x00-\x09\x0b-\x1f]", capsys.readouterr().err)


def test_advice_follows_the_tree(capsys: pytest.CaptureFixture[str]) -> None:
    explain(errors.TaskGone("It is gone."))
    assert "Retention removes finished tasks" in capsys.readouterr().err


def test_a_fault_of_ours_says_so_and_shows_its_place_only_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = ZeroDivisionError("division by zero")
    assert explain(error) == 1
    assert "fault in taskflow itself" in (told := capsys.readouterr().err)
    assert "Traceback" not in told
    explain(error, debug=True)
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().err.splitlines()[-1]


def test_files_that_cannot_be_read_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    explain(PermissionError(13, "Permission denied", str(Path("a") / "b")))
    assert capsys.readouterr().err == "Error: Permission denied: a/b\n"


def test_the_table_names_only_errors_that_exist() -> None:
    assert {kind for kind in EXIT_CODES if issubclass(kind, TaskflowError)} <= set(all_errors())
    assert set(EXIT_CODES.values()) <= set(MEANINGS)


# --- secrets


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("postgresql://bob:s3cret@db:5432/x", f"postgresql://bob:{HIDDEN}@db:5432/x"),
        ("postgresql://bob:p@ss:w@db/x", f"postgresql://bob:{HIDDEN}@db/x"),
        ("postgresql://bob:s3/c#r?et@db/x", f"postgresql://bob:{HIDDEN}@db/x"),
        ("redis://:s3cret@host", f"redis://:{HIDDEN}@host"),
        ("sqlite:///taskflow.db?max_page_count=5", "sqlite:///taskflow.db?max_page_count=5"),
        ("pg://h/x?sslpassword=s3cret&a=b", f"pg://h/x?sslpassword={HIDDEN}&a=b"),
        ("http://plain.host/a@b:c", "http://plain.host/a@b:c"),
        ("http://plain.host:80/a@b:c", "http://plain.host:80/a@b:c"),
        ("no url at all", "no url at all"),
    ],
)
def test_passwords_in_urls_are_hidden(text: str, safe: str) -> None:
    assert without_secrets(text) == safe


def test_secret_settings_are_hidden_and_others_are_not() -> None:
    assert shown("auth.secret", "x") == HIDDEN
    assert shown("auth.api_key", "x") == HIDDEN
    assert shown("auth.secret", None) is None
    assert shown("secrets.keys", ("x", "y")) == HIDDEN
    assert shown("secrets.keys", ()) == (), "that there are none is no secret"
    assert shown("worker.slots", 20) == 20
    assert shown("http.max_header", 65_536) == 65_536
    assert shown("http.keep_alive", 75.0) == 75.0
    assert shown("x.urls", ("redis://:p@h",)) == [f"redis://:{HIDDEN}@h"]
    assert shown("files.root", Path("/srv")) == "/srv"
