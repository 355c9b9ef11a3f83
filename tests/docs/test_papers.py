"""What people meet who take part: templates, labels, owners."""

import re
from typing import Any

import pytest
import yaml
from tests.docs.pages import ROOT, text

GITHUB = ROOT / ".github"
TEMPLATES = sorted(
    path.name for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"
)
ROOMS = {"domain", "store", "broker", "engine", "worker", "builtin", "http", "cli", "client", "ui"}


def read(name: str) -> Any:
    return yaml.safe_load((GITHUB / name).read_text(encoding="utf-8"))


def labels() -> dict[str, dict[str, str]]:
    return {str(one["name"]): one for one in read("labels.yml")}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_asks_for_goal_and_result_and_uses_labels_that_there_are(name: str) -> None:
    template = read(f"ISSUE_TEMPLATE/{name}")
    assert set(template["labels"]) <= set(labels())
    fields = {one["id"]: one for one in template["body"] if "id" in one}
    assert {"goal", "result", "notes", "checklist"} <= set(fields)
    for required in ("goal", "result"):
        assert fields[required]["validations"]["required"]
    for one in template["body"]:
        assert one["type"] in {"markdown", "textarea", "input", "checkboxes", "dropdown"}


def test_labels_are_told_apart() -> None:
    known = labels()
    assert len(known) == len(read("labels.yml"))
    for label in known.values():
        assert re.fullmatch(r"[0-9a-f]{6}", str(label["color"]))
        assert 0 < len(label["description"]) <= 100
    assert {name.removeprefix("room: ") for name in known if name.startswith("room: ")} == ROOMS


def test_owned_paths_exist() -> None:
    lines = (GITHUB / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    paths = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert [path for path in paths if path != "*" and not (ROOT / path.strip("/")).exists()] == []


def test_files_that_papers_name_exist() -> None:
    """In CONTRIBUTING they are named from the root, or from src/taskflow_hub; capitals stand for a name."""
    named = re.findall(
        r"`((?:src|tests|store|testing|builtin|broker|engine|http|cli|client|docs)/[\w./]*)`",
        text("CONTRIBUTING.md"),
    )
    assert len(named) > 15
    missing = [
        path
        for path in named
        if not re.search(r"[A-Z]{4}", path)
        and not any((base / path).exists() for base in (ROOT, ROOT / "src" / "taskflow_hub"))
    ]
    assert missing == []
