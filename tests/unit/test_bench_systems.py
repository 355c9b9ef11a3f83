"""What the bench knows of the systems it measures is complete, and their packages are locked."""

import re
from pathlib import Path

import pytest
from bench.environments import GO
from bench.system import SYSTEMS, System, systems
from bench.workloads import WORKLOADS


@pytest.mark.parametrize("name", systems())
def test_a_system_names_variants_and_workloads_that_there_are(name: str) -> None:
    about = System(name).about
    assert set(about.workloads) <= {workload.name for workload in WORKLOADS}
    used = {variant for measured in about.workloads.values() for variant in measured.variants}
    assert used == set(about.variants)


@pytest.mark.parametrize(
    "lock",
    [*sorted(SYSTEMS.glob("*/requirements.txt")), GO / "requirements.txt"],
    ids=lambda path: path.parent.name,
)
def test_packages_are_locked_by_digest_and_name_no_index(lock: Path) -> None:
    text = lock.read_text()
    assert "index-url" not in text
    assert text.count("--hash=") >= len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) > 0


def test_go_modules_are_locked_by_digest_and_nothing_stands_in_for_them() -> None:
    required = re.findall(r"^\t(\S+ v\S+)", (GO / "go.mod").read_text(), re.MULTILINE)
    locked = (GO / "go.sum").read_text()
    assert required
    assert [one for one in required if f"{one} h1:" not in locked] == []
    assert "replace" not in (GO / "go.mod").read_text()
