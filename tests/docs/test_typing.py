"""mypy --strict, as a user runs it on a module of their own: it accepts what is right and rejects what is wrong."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.pages import ROOT

FILES = Path(__file__).parent / "typing"
EXPECTED = re.compile(r"# E: ([\w, -]+)$")
FOUND = re.compile(r"^(\w+)\.py:(\d+): error: .*\[([\w-]+)\]$", re.MULTILINE)
Errors = set[tuple[str, int, str]]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Errors:
    """(module, line, code) of every error; our own configuration is out of reach there."""
    folder = tmp_path_factory.mktemp("user")
    for file in FILES.glob("*.py"):
        shutil.copy(file, folder)
    ran = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--no-error-summary", "--hide-error-context",
            "--config-file=", f"--cache-dir={ROOT / '.mypy_cache' / 'user'}", *sorted(file.name for file in folder.iterdir()),
        ],
        cwd=folder, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert not ran.stderr
    found = {(module, int(line), code) for module, line, code in FOUND.findall(ran.stdout)}
    assert len(found) >= len([line for line in ran.stdout.splitlines() if " error: " in line]), ran.stdout
    return found


def test_a_users_module_is_accepted(checked: Errors) -> None:
    assert {error for error in checked if error[0] == "accepted"} == set()


def test_wrong_arguments_are_rejected_each_on_its_line(checked: Errors) -> None:
    lines = (FILES / "rejected.py").read_text().splitlines()
    expected = {
        ("rejected", number, code)
        for number, line in enumerate(lines, start=1)
        if (found := EXPECTED.search(line))
        for code in found[1].split(", ")
    }
    assert len(expected) > 30
    assert {error for error in checked if error[0] == "rejected"} == expected
