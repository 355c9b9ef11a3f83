"""The hub's own log, as a program that reads it and a person see it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.terminal import Terminal

PROGRAM = """
import logging, structlog
from taskflow_hub.logs import LogSettings, configure
configure(LogSettings(**{settings}))
configure(LogSettings(**{settings}))
log = structlog.stdlib.get_logger("taskflow.test")
log.debug("unheard")
log.info("heard", task="ü", count=2)
logging.getLogger("library").warning("from %s", "elsewhere")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it broke")
"""


def lines(**settings: str) -> list[str]:
    program = PROGRAM.format(settings=settings)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "", "a log is no output"
    return ran.stderr.splitlines()


def in_a_terminal(folder: Path, **environ: str) -> str:
    (folder / "program.py").write_text(PROGRAM.format(settings={}))
    with Terminal(folder, {**os.environ, "TERM": "xterm", **environ}) as terminal:
        terminal.run(f"{sys.executable} program.py")
        return b"".join(piece for _, piece in terminal.heard).decode()


def test_where_nobody_looks_each_line_is_an_object() -> None:
    heard, library, broke = map(json.loads, lines())
    assert (heard["event"], heard["task"], heard["count"]) == ("heard", "ü", 2)
    assert (heard["level"], heard["logger"]) == ("info", "taskflow.test")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", heard["at"])
    assert (library["event"], library["level"], library["logger"]) == ("from elsewhere", "warning", "library")
    assert "ZeroDivisionError" in broke["exception"]


def test_the_level_is_the_least_that_is_written() -> None:
    assert [json.loads(line)["event"] for line in lines(level="error")] == ["it broke"]
    assert json.loads(lines(level="debug")[0])["event"] == "unheard"


def test_a_person_gets_colours_unless_they_want_none(tmp_path: Path) -> None:
    assert "\x1b[" in in_a_terminal(tmp_path, NO_COLOR="")
    plain = in_a_terminal(tmp_path, NO_COLOR="1")
    assert "heard" in plain
    assert "\x1b[3" not in plain


def test_pretty_without_a_terminal_has_no_colours() -> None:
    assert "\x1b[" not in "".join(lines(format="pretty"))
