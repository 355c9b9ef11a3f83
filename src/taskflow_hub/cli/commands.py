"""Typer, made quick and plain: help without panels, and arguments read without importing pydantic.

Measured: importing pydantic to turn the text `5` into the number 5, as Typer does, doubles the time a command takes to start.
"""

import re
import sys
from collections.abc import Callable
from typing import Any, Final

import typer
from typer._coercion import RuntimeParam
from typer.core import TyperCommand, TyperGroup

from taskflow_hub.cli.exits import BROKEN_PIPE
from taskflow_hub.cli.terminal import coloured

_HEADING = re.compile(r"^(Usage|Arguments|Options|Commands):", re.MULTILINE)
_TERM = re.compile(r"^  (-[^\n]*?|[a-z{\[<][^\n ]*)(?=  |\n|$)", re.MULTILINE)


class Commands(typer.Typer):
    """A group of commands with our manners."""

    def __init__(self, *, add_completion: bool = False, **options: Any) -> None:
        super().__init__(
            cls=Group,
            rich_markup_mode=None,
            no_args_is_help=True,
            add_completion=add_completion,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
            **options,
        )

    def command(self, name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        options.setdefault("context_settings", {"help_option_names": ["-h", "--help"]})
        return super().command(name, cls=Command, **options)


class _Mixin:
    """What commands and groups share."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        _lighten(params)
        return params

    def get_help(self, ctx: Any) -> str:
        text: str = super().get_help(ctx)  # type: ignore[misc]
        if not coloured(sys.stdout):
            return text
        return _TERM.sub("  \x1b[36m\\1\x1b[0m", _HEADING.sub("\x1b[1m\\1:\x1b[0m", text))


class Command(_Mixin, TyperCommand):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # before Typer sees it, which would make it status 1: "the task failed"
            raise typer.Exit(BROKEN_PIPE) from None


class Group(_Mixin, TyperGroup):
    pass


class _Light(RuntimeParam):
    """Reads what the command line gives (text) for the types our commands use."""

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
        read = self.parameter_info.parser or _READERS[self.annotation]
        least, most = self.parameter_info.min, self.parameter_info.max
        try:
            got: Any = [read(one) for one in value] if isinstance(value, list | tuple) else read(value)
            if least is not None and got < least:
                raise ValueError(f"{value} is less than {least}")
            if most is not None and got > most:
                raise ValueError(f"{value} is more than {most}")
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None
        return got


def _lighten(params: list[Any]) -> None:
    for param in params:
        descriptor = param.type_descriptor
        if descriptor.parameter_info.parser or descriptor.annotation in _READERS:
            param._runtime_param = _Light(descriptor.parameter_info, descriptor.annotation)


def _integer(text: Any) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


_READERS: Final[dict[Any, Callable[[Any], Any]]] = {str: str, list[str]: str, bool: bool, int: _integer}
