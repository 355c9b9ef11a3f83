"""What is written on the command line: durations, times, payloads, addresses of handlers."""

import io
import json
import re
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.cli import options, payload
from taskflow_hub.cli.loading import load_hub
from taskflow_hub.domain.errors import FieldError, Invalid, Misconfigured

# --- durations and times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1D2H", 93_600),
        ("0", 0),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert options.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-5", "5x", "1m1h", "1 h", "nan", "inf", "1e3", "٣", "5m5m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        options.seconds(text)


def test_none_is_a_value() -> None:
    assert options.seconds_or_none("none").value is None
    assert options.seconds_or_none("5m").value == 300
    assert options.count_or_none("None").value is None
    assert options.count_or_none("0").value == 0
    with pytest.raises(ValueError, match="neither a whole number nor none"):
        options.count_or_none("few")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("host:a,running=3", {"key": "host:a", "running": 3}),
        ("host:a,per_second=0.2,running=3", {"key": "host:a", "per_second": 0.2, "running": 3}),
        ("host:a", {"key": "host:a"}),
        ("a,b=c,running=3", {"key": "a,b=c", "running": 3}),
        ("a=1,per_second=1e3", {"key": "a=1", "per_second": 1000.0}),
        ("running=3", {"key": "running=3"}),
        ("a,running=0", {"key": "a", "running": 0}),  # the hub says what is wrong with it
    ],
)
def test_a_limit_is_read(text: str, wanted: dict[str, Any]) -> None:
    assert options.limit(text) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a limit"),
        (",running=3", "is not a limit"),
        ("a,running=x", "'x' is not a number"),
        ("a,running=1.5", "'1.5' is not a number"),
        ("a,running=", "'' is not a number"),
        ("a,per_second=nan", "cannot be"),
        ("a,per_second=inf", "cannot be"),
        ("a,running=1,running=2", "cannot be"),
    ],
)
def test_what_is_no_limit_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        options.limit(text)


def test_a_time_has_a_zone_or_is_local() -> None:
    assert options.moment("2030-01-31T18:00:00Z") == datetime(2030, 1, 31, 18, tzinfo=UTC)
    assert options.moment("2030-01-31T18:00").tzinfo is not None
    assert options.moment("2030-01-31").tzinfo is not None
    for bad in ("tomorrow", "18:00", "2030-13-01", ""):
        with pytest.raises(ValueError, match="is not a time"):
            options.moment(bad)


# --- payloads


def read(*words: str) -> Any:
    return json.loads(bytes(payload.read(words)))


def test_a_payload_is_an_object_in_any_of_its_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "p.json"
    file.write_text('\ufeff{"a": "ä"}', encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b' {"b": 1}\n')))
    assert read() == {}
    assert read('{"n": [1, 2]}') == {"n": [1, 2]}
    assert read(f"@{file}") == {"a": "ä"}
    assert read("-") == {"b": 1}
    assert read("url=https://x.y/?a=b", "n:=2", 'deep:={"a": null}', "empty=", 't:="5"') == {
        "url": "https://x.y/?a=b",
        "n": 2,
        "deep": {"a": None},
        "empty": "",
        "t": "5",
    }


def test_json_text_is_kept_as_it_was_written() -> None:
    assert bytes(payload.read(['{"n": 1.10, "big": 123456789012345678901234567890}'])) == (
        b'{"n": 1.10, "big": 123456789012345678901234567890}'
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (['{"a": [1,}'], "the payload is not valid JSON: .* at line 1 column 10"),
        (['{"a": NaN}'], "NaN is not JSON"),
        (["[1]"], "must be a JSON object"),
        (["5"], "must be a JSON object"),
        (["https://x.y"], "write a JSON object, or pairs like key=text"),
        (["a=1", "{}"], "'{}' is not part of a payload"),
        (["a:=nope"], "the value of a is not valid JSON"),
        (["@nowhere.json"], "cannot read nowhere.json: No such file"),
        (["{" * 100_000], "not valid JSON"),
        (['{"a":' * 100_000], "the payload is nested too deeply; 100 levels are allowed"),
        ([f'{{"a": {"9" * 4_301}}}'], "the payload has a number of more than 4300 digits; write it as text"),
    ],
)
def test_what_is_no_payload_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        payload.read(words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "FILE is empty; it must be a JSON object$"),
        (" \n", "FILE is empty; it must be a JSON object$"),
        ("a=1", "FILE is not valid JSON: expecting value at line 1 column 1$"),
        ("[]", "FILE must be a JSON object$"),
        ('{"a": {"b": 1, "b": 2}}', "/a/b: stands twice in one object$"),
    ],
)
def test_what_is_no_workflow_is_refused(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "w.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid, match=message.replace("FILE", re.escape(str(file)))):
        payload.document(str(file))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    with pytest.raises(Invalid, match=message.replace("FILE", "standard input")):
        payload.document("-")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(Invalid, match=r"is not UTF-8 \(byte 7\)"):
        payload.read([f"@{tmp_path / 'p'}"])


@given(st.dictionaries(st.text(st.characters(categories=["L"]), min_size=1), st.text()))
def test_pairs_carry_any_text(members: dict[str, str]) -> None:
    if members:
        assert read(*(f"{key}={value}" for key, value in members.items())) == members


def test_a_refused_text_says_how_to_send_something_else() -> None:
    refused = Invalid("/payload/n: not a number", errors=[FieldError("/payload/n", "not a number")])
    with pytest.raises(Invalid, match="n:=… sends a number"), payload.explained(["n=5"]):
        raise refused
    with pytest.raises(Invalid) as raised, payload.explained(["n:=5", "m=1"]):
        raise refused
    assert raised.value is refused


# --- --app


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(textwrap.dedent(text))


def test_a_hub_is_imported_from_the_working_directory(folder: Path) -> None:
    write(folder, "loading_good", "from taskflow_hub import Hub\nhub = Hub()\nclass box:\n    inner = hub")
    hub = load_hub("loading_good:hub")
    assert load_hub("loading_good") is hub
    assert load_hub("loading_good:box.inner") is hub


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("", "write --app module:hub"),
        (":hub", "write --app module:hub"),
        ("loading_a:", "write --app module:hub"),
        ("loading_a.py:hub", "give a module's name, not a file"),
        ("loading_nowhere:hub", r"there is no module loading_nowhere here \("),
        ("loading_nowhere.deeper:hub", "there is no module loading_nowhere here"),
        ("loading_a:nothing", "module loading_a has no nothing; it has app"),
        ("loading_b:hub", "loading_b imports no_such_package, which is not installed"),
        (
            "loading_c:hub",
            r"importing loading_c fails with ZeroDivisionError: division by zero \(.*loading_c.py, line 1\)",
        ),
        ("loading_d:hub", r"importing loading_d fails with SyntaxError: .*\(loading_d.py, line 1\)$"),
        ("loading_f:hub", r"importing loading_f ends the program \(sys.exit\)"),
        ("loading_a:number", "this is a int, not a Hub"),
        ("loading_e:hub", "has no hub, nor any other Hub"),
    ],
)
def test_what_cannot_be_loaded_is_explained(folder: Path, target: str, message: str) -> None:
    write(folder, "loading_a", "from taskflow_hub import Hub\napp = Hub()\nnumber = 5")
    write(folder, "loading_b", "import no_such_package")
    write(folder, "loading_c", "1 / 0")
    write(folder, "loading_d", "def")
    write(folder, "loading_e", "")
    write(folder, "loading_f", "import sys\nsys.exit(3)")
    with pytest.raises(Misconfigured, match=message):
        load_hub(target)
