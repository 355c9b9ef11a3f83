"""A promise that names a test names one that exists; what has no test says that it is planned."""

import ast
import re
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, text

PROVING = ("README.md", "docs/adr/0003-crash-windows.md")
LINK = re.compile(r"\[`([Tt]est_?\w+)`\]\(([^)#]+\.py)\)")  # a test, or a class of them
PROMISES = 9


def proofs(page: str) -> list[tuple[str, Path]]:
    return [(name, ((ROOT / page).parent / path).resolve()) for name, path in LINK.findall(text(page))]


@pytest.mark.parametrize("page", PROVING)
def test_every_test_that_is_named_exists(page: str) -> None:
    assert proofs(page)
    missing = [
        f"{name} in {path.relative_to(ROOT)}" for name, path in proofs(page) if name not in functions(path)
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("page", PROVING)
def test_every_test_that_is_named_is_run(page: str) -> None:
    """A suite in the package is run because a test of ours takes it over."""
    for name, path in proofs(page):
        if path.is_relative_to(ROOT / "src"):
            suites = {suite for suite, members in classes(path).items() if name in members}
            heirs = "".join(file.read_text() for file in (ROOT / "tests" / "contract").glob("test_*.py"))
            face = (path.parent / "__init__.py").read_text()
            assert any(suite in heirs or suite in face for suite in suites), f"nobody runs {name}"
        else:
            assert path.is_relative_to(ROOT / "tests")
            assert path.name.startswith("test_")


def test_the_readme_gives_every_promise_with_its_proof_or_says_that_it_is_planned() -> None:
    rows = re.findall(r"^\| (\d) \| (.+?) \| (.+?) \|$", text("README.md"), re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, PROMISES + 1))
    for number, _, proof in rows:
        assert LINK.search(proof) or proof.startswith("Planned"), f"promise {number}: {proof}"


def test_every_row_of_the_crash_windows_is_proved() -> None:
    rows = [line for line in text("docs/adr/0003-crash-windows.md").splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 6
    for row in rows:
        assert LINK.search(row.split(" | ")[-1]), row


def functions(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def classes(path: Path) -> dict[str, set[str]]:
    return {
        node.name: {
            part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    }
