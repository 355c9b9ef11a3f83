"""The images, as far as they can be had without an engine: the Dockerfile's own steps run in a scratch folder, and what they
leave is started, probed and stopped as a container is. What remains untried here is said in docs/how-to/deploy.md.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.deploy.steps import Follower, Stage, environ_of
from tests.support.hub_process import HubProcess
from tests.support.ports import free_port
from tests.support.redis import redis_server

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = ROOT / "deploy" / "Dockerfile"
UI: Final = ROOT / "src" / "taskflow_hub" / "http" / "ui"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Follower:
    """All steps but those of Node: the dashboard that `make` has built by the same `npm run build` takes their place."""
    scratch = tmp_path_factory.mktemp("image")
    shutil.copytree(UI, scratch / "dashboard" / "build" / UI.relative_to(ROOT))
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("UV_", "VIRTUAL_ENV"))
    }
    environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    follower = Follower(DOCKERFILE, ROOT, scratch, environ)
    follower.follow(without=frozenset({"dashboard"}))
    return follower


@pytest.fixture(scope="module")
def server(followed: Follower) -> Stage:
    return followed.stages["server"]


@pytest.fixture(scope="module")
def worker(followed: Follower) -> Stage:
    return followed.stages["worker"]


@pytest.fixture(scope="module")
def outside() -> Iterator[dict[str, str]]:
    """What an operator says; and loopback, where the images listen on every address of theirs."""
    with redis_server() as redis:
        yield {
            "TASKFLOW_BROKER_URL": redis.url,
            "TASKFLOW_HTTP_HOST": "127.0.0.1",
            "TASKFLOW_WORKER_HEALTH_HOST": "127.0.0.1",
            "TASKFLOW_WORKER_HEALTH_PORT": str(free_port()),
        }


def started(stage: Stage, folder: Path, outside: dict[str, str]) -> HubProcess:
    assert stage.entrypoint == ["taskflow"]
    folder.mkdir()
    python = Path(stage.here("/opt/taskflow/bin/python"))
    return HubProcess(folder, python=python, role=stage.command, environ=environ_of(stage, {}) | outside)


def probed(stage: Stage, port: str, outside: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What the engine runs in the container to learn its health."""
    command = [part.replace(":8080/", f":{port}/") for part in stage.health]
    return subprocess.run(
        command, env=environ_of(stage, {}) | outside, capture_output=True, text=True, timeout=30, check=False
    )


def test_both_images_work_together_and_end_in_order(
    server: Stage, worker: Stage, outside: dict[str, str], tmp_path: Path
) -> None:
    with (
        started(server, tmp_path / "server", outside) as api,
        started(worker, tmp_path / "worker", outside) as hands,
    ):
        assert api.final(api.submit("demo.noop")["id"])["status"] == "success"
        assert '<div id="app">' in api.get("/ui/").text
        well = probed(server, str(api.port), outside)
        assert well.returncode == 0, well.stderr
        heard = probed(worker, "", outside)
        assert (heard.returncode, heard.stderr) == (0, "") or "ok; last heard" in heard.stderr, heard.stderr
        assert (server.stop_signal, worker.stop_signal) == ("SIGTERM", "SIGTERM")
        assert hands.terminate() == 0
        assert api.terminate() == 0
        assert probed(server, str(api.port), outside).returncode != 0
        assert probed(worker, "", outside).returncode == 5


def test_one_process_runs_from_there_in_any_folder_with_the_dashboard(server: Stage, tmp_path: Path) -> None:
    """What `pip install taskflow-hub` gives somebody with neither compiler nor Node: an empty environment, of wheels."""
    python = Path(server.here("/opt/taskflow/bin/python"))
    with HubProcess(tmp_path, python=python, environ={"PYTHONSAFEPATH": "1"}) as hub:
        assert '<div id="app">' in hub.get("/ui/").text
        assert hub.final(hub.submit("demo.noop")["id"])["status"] == "success"
    complete = subprocess.run(
        [Path(sys.executable).with_name("uv"), "pip", "check", "--python", python],
        capture_output=True,
        text=True,
        check=False,
    )
    assert complete.returncode == 0, complete.stderr


def test_it_runs_as_nobody_and_holds_no_more_than_it_needs(server: Stage, worker: Stage) -> None:
    assert server.user == worker.user == "10001:10001"
    opt = Path(server.here("/opt/taskflow"))
    sources = [file for file in opt.rglob("site-packages/taskflow_hub/**/*.py") if file.is_file()]
    assert len(sources) > 200
    uncompiled = [
        file for file in sources if not list((file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"))
    ]
    assert not uncompiled, "bytecode is compiled, since nothing may be written there later"
    installed = {folder.name.partition("-")[0] for folder in opt.rglob("*.dist-info")}
    assert not installed & {"pip", "uv", "pytest", "mypy", "hatchling"}
    # Bytes as they lie on a disk; an image is sent compressed, at less than half.
    assert (
        sum(file.stat().st_size for file in opt.rglob("*") if file.is_file() and not file.is_symlink())
        < 180e6
    )


def test_what_is_pinned_there_is_what_is_pinned_elsewhere() -> None:
    said = DOCKERFILE.read_text()
    [uv] = re.findall(r"^UV_VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"uv=={uv}\n" in said
    bases = re.findall(r"^FROM (\S+)", said, re.MULTILINE)
    assert {base for base in bases if ":" in base} == {"node:24-bookworm-slim", "python:3.13-slim-bookworm"}
