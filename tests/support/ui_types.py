"""The dashboard's types, made from the API's description: `make ui-types`. Its first line says of which description."""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.support.http_api import api_in_thread

UI: Final = Path(__file__).parents[2] / "ui"
TYPES: Final = UI / "src" / "api" / "schema.d.ts"


def description() -> dict[str, Any]:
    """What /openapi.json says of shapes: neither its prose, nor the version of whoever says it."""
    with tempfile.TemporaryDirectory() as folder, api_in_thread(Path(folder), loops=False) as server:
        said: dict[str, Any] = server.run(server.hub.client.get("/openapi.json")).json()
    said["info"]["version"] = ""
    shapes: dict[str, Any] = _without_prose(said)
    return shapes


def _without_prose(said: Any) -> Any:
    """A field may have the name of a kind of prose; its schema is no text."""
    match said:
        case dict():
            return {
                name: _without_prose(value)
                for name, value in said.items()
                if not (name in {"description", "summary"} and isinstance(value, str))
            }
        case list():
            return [_without_prose(one) for one in said]
        case _:
            return said


def mark_now() -> str:
    """That of the API as it is, made in a process of its own: which codes of problems are told depends on what is imported."""
    command = [sys.executable, "-m", "tests.support.ui_types", "--mark"]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=UI.parent).stdout.strip()


def mark(description: dict[str, Any]) -> str:
    """The first line of types that fit this description."""
    text = json.dumps(description, sort_keys=True).encode()
    return f"// Made by `make ui-types` from the API's description {hashlib.sha256(text).hexdigest()[:16]}. Not edited."


def main() -> None:
    said = description()
    if "--mark" in sys.argv:
        print(mark(said))
        return
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(said, file)
        file.flush()
        command = [str(UI / "node_modules" / ".bin" / "openapi-typescript"), file.name]
        made = subprocess.run(command, check=True, capture_output=True, text=True, cwd=UI).stdout
    TYPES.write_text(f"{mark(said)}\n{made}", encoding="utf-8")


if __name__ == "__main__":
    main()
