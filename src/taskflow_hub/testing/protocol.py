"""The wire format for other languages: JSON Schemas made from domain/messages.py and from what Redis carries
around the messages, and the golden vectors beside them.

    python -m taskflow_hub.testing.protocol [--check] [FOLDER]

writes FOLDER/schemas/*.json (FOLDER is `protocol` if not given); with --check it writes nothing and ends with status 1
when a schema is not what the classes say, or a vector does not hold.
"""

import argparse
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from taskflow_hub.broker.redis_streams.envelopes import Envelope
from taskflow_hub.domain.messages import VERSION, Assignment, Control, Reply, Report, Request

FAMILIES: Final[Mapping[str, Any]] = {
    "assignment": Assignment,
    "control": Control,
    "report": Report,
    "request": Request,
    "reply": Reply,
    "redis": Envelope,
}
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class Vector(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One golden document: whoever reads `message` and writes it again must write what `means` says."""

    about: str
    family: str
    message: msgspec.Raw
    means: msgspec.Raw


def kinds(family: str) -> list[str]:
    """The values of `kind` in a family."""
    wanted = FAMILIES[family]
    return [str(message.__struct_config__.tag) for message in get_args(wanted) or (wanted,)]


def schema(family: str) -> dict[str, Any]:
    """The JSON Schema of one family of messages."""
    made = msgspec.json.schema(FAMILIES[family])
    made.pop("discriminator", None)  # a word of OpenAPI
    for definition in made["$defs"].values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
        properties = definition.get("properties", {})
        if "kind" in properties and "v" in properties:
            properties["v"] = {"const": VERSION}
            definition["required"] = [
                "kind",
                "v",
                *(name for name in definition["required"] if name != "kind"),
            ]
    return {"$schema": DIALECT, "title": f"TaskFlow Hub, version {VERSION}: {family}", **made}


def schema_files() -> dict[str, str]:
    """What should stand under protocol/, by path."""
    return {f"schemas/{family}.json": _text(schema(family)) for family in FAMILIES}


def vectors(folder: Path) -> dict[str, Vector]:
    """The golden vectors of a folder, by file name."""
    decoder = msgspec.json.Decoder(Vector)
    return {
        path.name: decoder.decode(path.read_bytes()) for path in sorted((folder / "vectors").glob("*.json"))
    }


def reread(vector: Vector) -> bytes:
    """The vector's message, read and written again by our own classes."""
    return msgspec.json.encode(msgspec.json.decode(vector.message, type=FAMILIES[vector.family]))


def problems(folder: Path) -> Iterator[str]:
    """What is out of date or does not hold, one line each."""
    for name, text in schema_files().items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:
            yield f"{path} is not what the classes say: python -m taskflow_hub.testing.protocol"
    for name, vector in vectors(folder).items():
        if msgspec.json.decode(reread(vector)) != msgspec.json.decode(vector.means):
            yield f"{name} means {reread(vector).decode()}"


def write(folder: Path) -> None:
    """Write the schemas."""
    for name, text in schema_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m taskflow_hub.testing.protocol")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("protocol"))
    parser.add_argument(
        "--check", action="store_true", help="change nothing; status 1 if something is out of date"
    )
    asked = parser.parse_args(arguments)
    if not asked.check:
        write(asked.folder)
    found = list(problems(asked.folder))
    for line in found:
        sys.stderr.write(f"{line}\n")
    return 1 if found else 0


def _text(document: object) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


if __name__ == "__main__":
    sys.exit(main())
