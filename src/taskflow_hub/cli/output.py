"""Answers as JSON, for programs."""

from collections.abc import Iterable
from typing import Any

import msgspec

from taskflow_hub.cli.terminal import clean_json


def print_json(value: Any) -> None:
    """One value, indented."""
    print(pretty(value))


def print_json_list(items: Iterable[Any]) -> None:
    """A JSON array with an item per line, written as the items come."""
    separator = "["
    for item in items:
        print(f"{separator}\n{_line(item)}", end="")
        separator = ","
    print("[]" if separator == "[" else "\n]")


def print_json_line(item: Any) -> None:
    """One item of an endless sequence."""
    print(_line(item), flush=True)


def pretty(value: Any) -> str:
    """A JSON value as people read it; still JSON."""
    return clean_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _line(item: Any) -> str:
    return clean_json(msgspec.json.encode(item).decode())
