"""The wire format: schemas are what the classes say, and every golden vector holds."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest

from taskflow_hub.domain import messages
from taskflow_hub.domain.messages import VERSION, Heartbeat, Held, Inbound, Progressed, Report
from taskflow_hub.testing import protocol

FOLDER = Path(__file__).parents[2] / "protocol"
VECTORS = protocol.vectors(FOLDER)


def exactly(text: bytes | msgspec.Raw) -> Any:
    """JSON as values that compare digit by digit."""
    return json.loads(bytes(text), parse_float=Decimal, parse_int=Decimal)


def against_schema(family: str, document: bytes | msgspec.Raw) -> None:
    jsonschema.Draft202012Validator(protocol.schema(family)).validate(json.loads(bytes(document)))


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_read_and_written_again_as_it_says(name: str) -> None:
    vector = VECTORS[name]
    assert exactly(protocol.reread(vector)) == exactly(vector.means)


@pytest.mark.parametrize("name", VECTORS)
def test_what_a_vector_means_is_its_own_meaning(name: str) -> None:
    """The full form, read again, says the same: nothing was lost by ignoring what is unknown."""
    vector = VECTORS[name]
    again = msgspec.structs.replace(vector, message=vector.means)
    assert exactly(protocol.reread(again)) == exactly(vector.means)


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_fits_its_schema_short_and_in_full(name: str) -> None:
    vector = VECTORS[name]
    against_schema(vector.family, vector.message)
    against_schema(vector.family, vector.means)


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_named_by_its_family_and_kind(name: str) -> None:
    vector = VECTORS[name]
    kind = json.loads(bytes(vector.message))["kind"].replace("_", "-")
    stem = kind if kind == vector.family else f"{vector.family}-{kind}"
    assert name.removesuffix(".json").startswith(stem)
    assert vector.about.endswith(".")


def test_every_kind_of_message_has_a_vector() -> None:
    shown = {(vector.family, json.loads(bytes(vector.message))["kind"]) for vector in VECTORS.values()}
    assert shown == {(family, kind) for family in protocol.FAMILIES for kind in protocol.kinds(family)}


def test_every_family_ignores_a_field_it_does_not_know() -> None:
    def more(vector: protocol.Vector) -> bool:
        return bool(set(json.loads(bytes(vector.message))) - set(json.loads(bytes(vector.means))))

    assert {vector.family for vector in VECTORS.values() if more(vector)} == set(protocol.FAMILIES)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("assignment-big-numbers.json", "123456789012345678901234567890"),
        ("assignment-big-numbers.json", "9007199254740993"),
        ("assignment-unicode.json", r"\ud83d\ude00"),
        ("assignment-unicode.json", "é漢😀"),
        ("assignment-nulls.json", '"max_retries": null'),
        ("report-succeeded-big-numbers.json", "18446744073709551616"),
    ],
)
def test_the_vectors_still_show_what_they_are_there_for(name: str, text: str) -> None:
    assert text in (FOLDER / "vectors" / name).read_text("utf-8")


# --- schemas -----------------------------------------------------------------------------------------------------


def test_the_schemas_in_the_repository_are_what_the_classes_say() -> None:
    assert list(protocol.problems(FOLDER)) == []


@pytest.mark.parametrize("family", protocol.FAMILIES)
def test_a_schema_is_a_schema(family: str) -> None:
    jsonschema.Draft202012Validator.check_schema(protocol.schema(family))


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("control", {"kind": "drain"}),
        ("control", {"v": 2, "kind": "drain"}),
        ("control", {"v": 1, "kind": "halt"}),
        ("control", {"v": 1, "kind": "stop", "id": "t", "attempt": 1, "why": "bored"}),
        ("control", {"v": 1, "kind": "stop", "id": "t", "attempt": "1", "why": "stale"}),
        ("report", {"v": 1, "kind": "succeeded", "worker": "w", "id": "t", "attempt": 1, "ran_s": 1}),
        ("request", {"v": 1, "kind": "heartbeat", "worker": "w", "held": [["t", 1]]}),
        (
            "request",
            {"v": 1, "kind": "submit", "worker": "w", "id": "t", "attempt": 1, "call": 1, "task": {}},
        ),
        ("reply", {"v": 1, "kind": "submitted"}),
        ("assignment", {"v": 1, "kind": "assignment", "id": "t"}),
    ],
)
def test_a_schema_refuses_what_is_not_such_a_message(family: str, message: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        against_schema(family, json.dumps(message).encode())


def test_the_command_writes_and_then_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    (tmp_path / "vectors").mkdir()
    assert protocol.main([str(tmp_path)]) == 0
    assert protocol.main(["--check", str(tmp_path)]) == 0


def test_the_command_names_what_is_out_of_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    protocol.main([str(tmp_path)])
    (tmp_path / "schemas" / "report.json").write_text("{}")
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "control-drain.json").write_text(
        '{"about": "", "family": "control", "message": {"kind": "drain"}, "means": {"kind": "stop"}}'
    )
    assert protocol.main(["--check", str(tmp_path)]) == 1
    complaints = capsys.readouterr().err.splitlines()
    assert len(complaints) == 2
    assert "report.json" in complaints[0]
    assert "control-drain.json" in complaints[1]
    assert (tmp_path / "schemas" / "report.json").read_text() == "{}", "--check changes nothing"


# --- the classes -------------------------------------------------------------------------------------------------


def test_an_inbox_tells_assignments_and_controls_apart() -> None:
    kinds = [*protocol.kinds("assignment"), *protocol.kinds("control")]
    assert len(set(kinds)) == len(kinds)
    read = msgspec.json.decode(b'{"v":1,"kind":"recall","queue":"q"}', type=Inbound)
    assert read == messages.Recall("q")


@pytest.mark.parametrize("family", protocol.FAMILIES)
def test_a_kind_nobody_knows_is_refused(family: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"v":1,"kind":"gossip"}', type=protocol.FAMILIES[family])


@pytest.mark.parametrize("report", get_args(Report), ids=lambda report: report.__name__)
def test_every_report_says_who_sent_it_its_number_and_its_fence(report: type[msgspec.Struct]) -> None:
    assert {"v", "worker", "n", "id", "attempt"} <= set(report.__struct_fields__)


def test_a_message_says_its_version() -> None:
    progressed = Progressed(worker="w", n=1, id="t", attempt=1, fraction=0.5)
    assert json.loads(msgspec.json.encode(progressed))["v"] == VERSION


def test_what_a_worker_holds_travels_as_a_short_list() -> None:
    beat = Heartbeat(worker="w", held=(Held("t", 3, True),))
    assert json.loads(msgspec.json.encode(beat))["held"] == [["t", 3, True]]


@pytest.mark.parametrize("moment", ["2030-01-01T00:00:00", "2030-01-01", "1893456000"])
def test_a_moment_without_an_offset_is_refused(moment: str) -> None:
    text = f'{{"v":1,"kind":"snoozed","worker":"w","n":1,"id":"t","attempt":1,"ran_s":0,"until":"{moment}"}}'
    with pytest.raises(msgspec.ValidationError, match="until"):
        msgspec.json.decode(text, type=Report)
