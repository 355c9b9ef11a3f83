"""The service's own log, on stderr: JSON lines, or pretty in a terminal. Logs of tasks are kept in the store, not here."""

import logging
import os
import sys
from enum import StrEnum

import structlog
from pydantic import BaseModel, ConfigDict, Field


class LogFormat(StrEnum):
    AUTO = "auto"  # pretty in a terminal, JSON otherwise
    JSON = "json"
    PRETTY = "pretty"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    level: LogLevel = Field(LogLevel.INFO, description="Least level that is written.")
    format: LogFormat = Field(LogFormat.AUTO, description="auto: pretty in a terminal, JSON lines otherwise.")


def configure(settings: LogSettings) -> None:
    """Send everything, the libraries' logs included, to stderr in one shape. Calling it again replaces the first."""
    pretty = settings.format is LogFormat.PRETTY or (
        settings.format is LogFormat.AUTO and sys.stderr.isatty()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(
            colors=_coloured(), timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
        )
        if pretty
        else structlog.processors.JSONRenderer()
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *(() if pretty else (structlog.processors.format_exc_info,)),
            render,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _coloured() -> bool:
    """https://no-color.org"""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
