"""The service's own log, on stderr or in a file: JSON lines, or pretty in a terminal. Logs of tasks are kept in the store."""

import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import structlog
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from taskflow_hub.logs.file import LogFile
from taskflow_hub.logs.processors import one_line, with_ids, without_colours, without_secrets


class LogFormat(StrEnum):
    AUTO = "auto"  # pretty in a terminal, JSON otherwise
    JSON = "json"
    PRETTY = "pretty"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _logger_level(text: str) -> str:
    name, equals, level = text.partition("=")
    if not (name and equals and level in set(LogLevel)):
        raise ValueError("a logger's level is written as NAME=LEVEL, with debug, info, warning or error")
    return text


class LogSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    level: LogLevel = Field(LogLevel.INFO, description="Least level that is written.")
    levels: tuple[Annotated[str, AfterValidator(_logger_level)], ...] = Field(
        (), description="Other least levels for single loggers and those below them: taskflow.http=debug."
    )
    format: LogFormat = Field(LogFormat.AUTO, description="auto: pretty in a terminal, JSON lines otherwise.")
    file: Path | None = Field(
        None,
        description="Write to this file, not to stderr. Only one process may; a second one does not start.",
    )
    file_max_bytes: int = Field(
        10_485_760, ge=1_024, description="Bytes after which the file is renamed to FILE.1 and begun anew."
    )
    file_keep: int = Field(5, ge=1, le=1_000, description="How many renamed files are kept.")


_levelled: Final[list[logging.Logger]] = []


def configure(settings: LogSettings) -> None:
    """Send everything, the libraries' logs included, to one place in one shape. Calling it again replaces the first.

    Raises Misconfigured for a file that cannot be written.
    """
    root = logging.getLogger()
    for before in root.handlers[:]:
        root.removeHandler(before)
        if isinstance(before, LogFile):
            before.close()
    handler = _handler(settings)
    pretty = settings.format is LogFormat.PRETTY or (
        settings.format is LogFormat.AUTO and settings.file is None and sys.stderr.isatty()
    )
    handler.setFormatter(_formatter(pretty=pretty, colours=settings.file is None and _coloured()))
    root.addHandler(handler)
    _set_levels(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]


def _formatter(*, pretty: bool, colours: bool) -> logging.Formatter:
    render: list[structlog.typing.Processor] = (
        [one_line, structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="at")]
        if pretty
        else [structlog.processors.JSONRenderer()]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ExtraAdder(),
            *_shared(),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            without_colours,
            with_ids,
            without_secrets,
            *render,
        ],
    )


def _handler(settings: LogSettings) -> logging.Handler:
    if settings.file is None:
        return logging.StreamHandler(sys.stderr)
    return LogFile(settings.file, max_bytes=settings.file_max_bytes, keep=settings.file_keep)


def _set_levels(settings: LogSettings) -> None:
    logging.getLogger().setLevel(settings.level.upper())
    while _levelled:
        _levelled.pop().setLevel(logging.NOTSET)
    for text in settings.levels:
        name, _, level = text.partition("=")
        logger = logging.getLogger(name)
        logger.setLevel(level.upper())
        _levelled.append(logger)


def _coloured() -> bool:
    """https://no-color.org"""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
