"""Follows a Dockerfile's steps without an engine: each stage is a folder, and what it RUNs runs here, with its paths.

A path that begins at the root (`/build`, `/opt/taskflow`) means the one in the stage's folder. What changes the system itself
(users, owners, packages) is left out, and so is what base images bring: Python, Node and uv are those of the tests.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dockerfile_parse import DockerfileParser  # type: ignore[import-untyped]

OWN_ROOTS: Final = re.compile(r"(?<![\w.:/}])/(build|opt|data)\b")
OF_THE_SYSTEM: Final = re.compile(
    r"(groupadd|useradd|install|pip install --no-cache-dir uv|apt-get|rm -rf /var)\b"
)


@dataclass
class Stage:
    """One `FROM … AS name`, and what its steps have said of the container."""

    root: Path
    base: str
    environ: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0"
    stop_signal: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def here(self, text: str) -> str:
        """The text, with the stage's own paths where they are on this machine."""
        return OWN_ROOTS.sub(lambda found: f"{self.root}/{found[1]}", text)

    @property
    def folder(self) -> Path:
        return Path(self.here(self.workdir)) if self.workdir != "/" else self.root


class Follower:
    """`stages` has what has been built, by name."""

    def __init__(self, dockerfile: Path, context: Path, scratch: Path, environ: Mapping[str, str]) -> None:
        with dockerfile.open("rb") as file:
            self._steps: list[dict[str, Any]] = DockerfileParser(fileobj=file, cache_content=True).structure
        self._context, self._scratch, self._environ = context, scratch, dict(environ)
        self.stages: dict[str, Stage] = {}

    def follow(self, *, without: frozenset[str] = frozenset()) -> None:
        """Every step, except those of the stages `without`, whose folders are there already."""
        name = ""
        for step in self._steps:
            kind, value = step["instruction"], step["value"]
            if kind == "COMMENT":
                continue
            if kind == "FROM":
                base, _, name = value.partition(" AS ")
                self.stages[name] = self._begin(name, base)
            elif name not in without:
                getattr(self, f"_{kind.lower()}")(self.stages[name], value)

    def _begin(self, name: str, base: str) -> Stage:
        root = self._scratch / name
        root.mkdir(exist_ok=True)
        before = self.stages.get(base)
        if before is None:
            return Stage(root, base)
        # The same files: a stage on another one adds settings here, and no step that would write.
        return Stage(
            before.root,
            base,
            dict(before.environ),
            before.workdir,
            before.user,
            before.stop_signal,
            before.entrypoint,
        )

    def _workdir(self, stage: Stage, value: str) -> None:
        stage.workdir = value
        stage.folder.mkdir(parents=True, exist_ok=True)

    def _copy(self, stage: Stage, value: str) -> None:
        *options, target = value.split()
        origin = self._context
        ignore: Callable[[str, list[str]], set[str]] | None = _left_out
        if options[0].startswith("--from="):
            other = self.stages[options.pop(0).removeprefix("--from=")]
            options, ignore = [other.here(path) for path in options], None
        into = stage.folder / stage.here(target)
        for name in options:
            source = origin / name
            if source.is_dir():
                shutil.copytree(source, into, dirs_exist_ok=True, symlinks=True, ignore=ignore)
            else:
                file = into / source.name if target.endswith("/") or into.is_dir() else into
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, file)

    def _run(self, stage: Stage, value: str) -> None:
        for command in re.split(r"\s*&&\s*", value):
            if OF_THE_SYSTEM.match(command):
                continue
            done = subprocess.run(
                ["/bin/sh", "-c", stage.here(command)],
                cwd=stage.folder,
                env=self._environ
                | {name: said for name, said in stage.environ.items() if name != "UV_NO_CACHE"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            assert done.returncode == 0, f"RUN {command}\n{done.stdout}{done.stderr}"

    def _env(self, stage: Stage, value: str) -> None:
        for name, said in re.findall(r"(\w+)=(\S+)", value):
            stage.environ[name] = said

    def _user(self, stage: Stage, value: str) -> None:
        stage.user = value

    def _stopsignal(self, stage: Stage, value: str) -> None:
        stage.stop_signal = value

    def _entrypoint(self, stage: Stage, value: str) -> None:
        stage.entrypoint = json.loads(value)  # the exec form, or it is not JSON

    def _cmd(self, stage: Stage, value: str) -> None:
        stage.command = json.loads(value)

    def _healthcheck(self, stage: Stage, value: str) -> None:
        stage.health = json.loads(value.partition(" CMD ")[2])

    def _nothing(self, stage: Stage, value: str) -> None:
        """Only told to the engine."""

    _label = _expose = _volume = _nothing


def _left_out(folder: str, names: list[str]) -> set[str]:
    """What .dockerignore keeps from the context."""
    return {name for name in names if name in {"node_modules", "__pycache__"}} | (
        {"ui"} if Path(folder).name == "http" else set()
    )


def environ_of(stage: Stage, outside: Mapping[str, str]) -> dict[str, str]:
    """What the image's program finds in its environment."""
    said = {name: stage.here(value).replace("$PATH", os.defpath) for name, value in stage.environ.items()}
    return {**outside, **said}
