"""The README's picture, taken from the running product: `make picture`. Only what is typed is ours; waits are left out."""

import os
import re
import tempfile
from pathlib import Path
from typing import Final

import pyte
from docs.make_pictures import PROMPT, Shown, _line, draw_still
from tests.support.terminal import Terminal

APP: Final = Path(__file__).parent
PICTURE: Final = APP / "terminal.svg"
SIZE: Final = (100, 30)  # columns and rows
SESSION: Final = (
    "make build",
    "WORKERS=1 QUEUE_SIZE=2 dist/memory-queue.pyz 2>queue.log &",
    """for id in a b c d; do curl -d '{"id": "'$id'"}' localhost:8080/enqueue; done""",
    "curl localhost:8080/stats",
    "kill %1",
    """curl -d '{"id": "late"}' localhost:8080/enqueue""",
    "wait; cut -d' ' -f3- queue.log",
)
LISTENING: Final = "until grep -q listening queue.log; do sleep 0.02; done"


def take() -> str:
    screen = pyte.Screen(*SIZE)
    stream = pyte.ByteStream(screen)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("Makefile", "src"):
            (folder / part).symlink_to(APP / part)
        (folder / ".curlrc").write_text("silent\n")
        environ = {"PATH": os.environ["PATH"], "HOME": name, "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        with Terminal(folder, environ, columns=SIZE[0], rows=SIZE[1]) as terminal:
            for command in SESSION:
                began = len(terminal.heard)
                terminal.run(command)
                heard = b"".join(piece for _, piece in terminal.heard[began:])
                stream.feed(f"{PROMPT}{command}\r\n".encode() + re.sub(rb"\x1b\]777;\d+\x07", b"", heard))
                if command.endswith("&"):
                    terminal.run(LISTENING)
    lines = [(row, _line(screen, row)) for row in range(SIZE[1])]
    return draw_still([Shown(row, line, 0.0) for row, line in lines if line], "The in-memory queue at work")


if __name__ == "__main__":
    PICTURE.write_text(take(), encoding="utf-8")
