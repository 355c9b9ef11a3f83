"""Environments of the systems under test."""

import subprocess
from pathlib import Path

import pytest
from bench import environments
from bench.environments import Environment, Made, make


class Counted(Made):
    """Made of a file named lock; counts how often."""

    def __init__(self, source: Path) -> None:
        super().__init__(source)
        self.made = 0

    @property
    def programs(self) -> Path:
        return self.folder

    def _lock(self) -> Path:
        return self.source / "lock"

    def _install(self) -> None:
        self.made += 1

    def versions(self) -> dict[str, str]:
        return {}


class Broken(Counted):
    def make(self) -> None:
        raise subprocess.CalledProcessError(1, "install", stderr="no such package\n")


def test_one_that_cannot_be_made_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "ROOT", tmp_path / "made")
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "lock").write_text("one")
    good = Counted(tmp_path / "good")
    both: list[tuple[str, Environment]] = [("bad", Broken(tmp_path / "bad")), ("good", good)]
    heard: list[str] = []
    failed = make(both, started=heard.append, ended=lambda: heard.append("ended"))
    assert failed == {"bad": "no such package"}
    assert heard == ["bad", "ended", "good", "ended"]
    assert good.made == 1


def test_it_is_made_again_when_its_lock_has_changed_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "ROOT", tmp_path / "made")
    (tmp_path / "lock").write_text("one")
    environment = Counted(tmp_path)
    environment.make()
    environment.make()
    assert environment.made == 1
    (tmp_path / "lock").write_text("two")
    environment.make()
    assert environment.made == 2
