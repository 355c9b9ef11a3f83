"""The wheel as somebody installs it who has neither Node nor this repository: the dashboard is in it, and is served."""

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Final

import pytest
from tests.support.hub_process import HubProcess

ROOT: Final = Path(__file__).parents[2]
UI: Final = ROOT / "src" / "taskflow_hub" / "http" / "ui"
pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    [made] = folder.glob("taskflow_hub-*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment that has the wheel. What it depends on is borrowed from ours, where what is editable is not seen."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    site = next(environment.glob("lib/python*/site-packages"))
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel)
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin" / "python"


def hub(python: Path, folder: Path) -> HubProcess:
    return HubProcess(folder, python=python, environ={"PATH": str(python.parent), "PYTHONSAFEPATH": "1"})


def test_it_has_the_dashboard_and_nothing_of_its_making(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = {name.removeprefix("taskflow_hub/http/") for name in packed.namelist()}
    built = {str(file.relative_to(UI.parent)) for file in UI.rglob("*") if file.is_file()}
    assert len(built) > 5
    assert built <= names
    assert not [name for name in names if "node_modules" in name or name.endswith((".vue", ".ts", ".map"))]


def test_it_serves_the_dashboard_without_node(python: Path, tmp_path: Path) -> None:
    assert not [name for name in ("node", "npm") if shutil.which(name, path=str(python.parent))]
    with hub(python, tmp_path) as running:
        page = running.get("/ui/")
        assert page.status_code == 200
        assert '<div id="app">' in page.text
        for name in re.findall(r'(?:src|href)="(?:\./)?([^"]+\.(?:js|css|svg))"', page.text):
            assert running.get(f"/ui/{name}").status_code == 200, name
        for name in re.findall(r"\./([\w-]+\.js)", running.get("/ui/" + script_of(page.text)).text):
            assert running.get(f"/ui/assets/{name}").status_code == 200, name
        assert running.final(running.submit("demo.noop")["id"])["status"] == "success"


def script_of(page: str) -> str:
    found = re.search(r'<script type="module"[^>]* src="\./([^"]+)"', page)
    assert found
    return found[1]


def test_without_a_build_the_api_runs_and_the_page_says_how_to_build(python: Path, tmp_path: Path) -> None:
    ui = next(python.parents[1].glob("lib/python*/site-packages/taskflow_hub/http/ui"))
    away = ui.with_name("away")
    ui.rename(away)
    try:
        with hub(python, tmp_path) as running:
            page = running.get("/ui/")
            assert page.status_code == 200
            assert "make ui" in page.text
            assert running.final(running.submit("demo.noop")["id"])["status"] == "success"
    finally:
        away.rename(ui)
