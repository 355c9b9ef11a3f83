"""A system under test: what its system.toml says, and how its program and its workers are started."""

import os
import shlex
import subprocess
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from bench.environments import Environment, environment_of
from bench.workers import Workers

SYSTEMS: Final = Path(__file__).parent / "systems"
LIBRARY: Final = Path(__file__).parent / "lib"
LOGS: Final = Path(".bench") / "logs"
CALL_S: Final = 600.0  # no call of a program takes longer

YesOrNo = Annotated[str, msgspec.Meta(pattern="^(yes|no)(: .+)?$")]


class Guarantees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Yes or no, and in a few words how."""

    durable: YesOrNo  # a submit that was answered survives a crash of the server's machine
    result_kept: YesOrNo
    acknowledged_after: YesOrNo  # a worker that dies in the midst loses no task
    stale_report_refused: YesOrNo  # a worker that was taken for dead cannot end the task that another has


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a workload is measured: with how many tasks, so that it takes some seconds, and with which variants of the worker."""

    tasks: int
    variants: list[str] = []  # none: nothing works meanwhile


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to run the workers: a command for each process."""

    commands: list[str]
    environment: dict[str, str] = {}


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A system.toml."""

    title: str
    language: str
    broker: Literal["redis", "postgres", "sqlite"]  # which server it is compared on
    advice: str  # where its documentation tells what is fast
    pending: str  # asks the server how many tasks have not been acknowledged: SQL, or Lua on Redis
    guarantees: Guarantees
    workloads: dict[str, Measured]
    variants: dict[str, Variant]
    stored: str | None = None  # asks how many results are kept
    database: Literal["redis", "postgres", "sqlite"] | None = (
        None  # where its tasks are, if not in the broker
    )
    program: str = "python program.py"
    program_of: str | None = None  # the system whose program and environment it shares
    environment: dict[str, str] = {}  # of the program and of every worker; {BENCH_…} is filled in


class System:
    """`name` is its folder's."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.about = msgspec.toml.decode((SYSTEMS / name / "system.toml").read_bytes(), type=About)
        self.folder = SYSTEMS / (self.about.program_of or name)

    @property
    def environment(self) -> Environment:
        return environment_of(self.folder)

    def call(self, servers: dict[str, str], variant: str, *words: object) -> str:
        """Have its program do a command, with the addresses of the servers; what it printed."""
        chosen = self.about.variants.get(variant)
        done = subprocess.run(
            [*shlex.split(self.about.program), *map(str, words)],
            cwd=self.folder,
            env=self._environ(servers, chosen.environment if chosen else {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CALL_S,
            check=False,
        )
        if done.returncode != 0:
            LOGS.mkdir(parents=True, exist_ok=True)
            (LOGS / f"{self.name}.log").write_text(done.stderr)
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RuntimeError(f"{' '.join(map(str, words))}: {last} (all of it: {LOGS / self.name}.log)")
        return done.stdout

    def start(self, servers: dict[str, str], variant: str) -> Workers:
        """Its workers, running."""
        chosen = self.about.variants[variant]
        LOGS.mkdir(parents=True, exist_ok=True)
        return Workers(
            [shlex.split(command) for command in chosen.commands],
            folder=self.folder,
            environ=self._environ(servers, chosen.environment),
            log=LOGS / f"{self.name}.{variant}.log",
        )

    def _environ(self, servers: dict[str, str], variant: dict[str, str]) -> dict[str, str]:
        told = self.about.environment | variant
        path = f"{self.environment.programs}{os.pathsep}{os.environ['PATH']}"
        library = f"{LIBRARY}{os.pathsep}{self.folder}"
        own = {name: value.format(**servers) for name, value in told.items()}
        given = {"PATH": path, "PYTHONPATH": library, "PYTHONWARNINGS": "ignore"}
        given["BENCH_ENVIRONMENT"] = str(self.environment.folder)
        return {**os.environ, **given, **servers, **own}


def systems() -> list[str]:
    """Names of all there are."""
    return sorted(path.parent.name for path in SYSTEMS.glob("*/system.toml"))
