"""`import taskflow_hub`: quick, exact, and the same for people, programs and type checkers."""

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from enum import StrEnum
from typing import Annotated, get_origin

import pytest
from msgspec import Struct
from tests.docs.pages import ROOT

import taskflow_hub
from taskflow_hub.hub.expressions import Reference

FACE = ROOT / "src" / "taskflow_hub" / "__init__.py"
HEAVY = {
    "alembic", "asyncio", "fastapi", "httpx", "jsonschema_rs", "msgspec", "PIL", "prometheus_client", "pydantic",
    "rich", "sqlalchemy", "sqlite3", "starlette", "structlog", "typer", "uvicorn",
}  # fmt: skip


def loaded_after(statement: str) -> set[str]:
    """In a process of its own, which coverage does not measure: it loads modules, too."""
    program = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(ran.stdout))


def test_all_is_exact() -> None:
    for_checkers = {
        alias.name
        for node in ast.walk(ast.parse(FACE.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if node.module != "typing"
    }
    assert list(taskflow_hub.__all__) == sorted(
        taskflow_hub.__all__, key=lambda name: (not name.isupper(), name)
    )
    assert set(taskflow_hub.__all__) == for_checkers == set(taskflow_hub._HOMES)


@pytest.mark.parametrize("name", taskflow_hub.__all__)
def test_every_name_can_be_imported(name: str) -> None:
    value = getattr(importlib.import_module("taskflow_hub"), name)
    if get_origin(value) is Annotated or isinstance(value, Reference):  # another name for a type; a constant
        return
    assert value.__name__ == name
    assert value.__doc__ or issubclass(value, StrEnum | Struct), f"{name} has no docstring"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'hubb'"):
        taskflow_hub.hubb  # noqa: B018
    with pytest.raises(ImportError):
        exec("from taskflow_hub import hubb")


def test_importing_the_package_imports_nothing_else() -> None:
    loaded = loaded_after("import taskflow_hub")
    assert {name for name in loaded if name.startswith("taskflow_hub.")} == set()
    assert loaded & HEAVY == set()


def test_a_module_with_handlers_opens_nothing_and_starts_quickly() -> None:
    """What a child process or a web application pays for `hub = Hub()` and a decorator."""
    loaded = loaded_after(f"import sys; sys.path.insert(0, {str(ROOT)!r}); import examples.welcome")
    assert "taskflow_hub.bootstrap" not in loaded
    assert loaded & (HEAVY - {"asyncio", "msgspec"}) == set()


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    said = subprocess.run(
        [sys.executable, "-m", "taskflow_hub", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert said.strip() == f"taskflow {version('taskflow-hub')}"
    assert re.search(
        rf'^version = "{re.escape(version("taskflow-hub"))}"$', (ROOT / "pyproject.toml").read_text(), re.M
    )


def test_the_package_says_that_it_is_typed() -> None:
    assert (FACE.parent / "py.typed").exists()
