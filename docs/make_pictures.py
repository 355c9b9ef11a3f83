"""The documentation's pictures, taken from the running product: `make pictures`.

* `terminal.svg`: a session in a real terminal, as it went; only what is typed is ours; commands that merely wait
  are left out.
* `graph.svg`: the workflow of examples/pipeline.py as a terminal shows it once it has run.
"""

import argparse
import re
import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

import pyte
from tests.support.ports import free_port
from tests.support.terminal import Terminal

PICTURES: Final = Path(__file__).parent / "img"
ROOT: Final = Path(__file__).parents[1]

# --- the terminal ----------------------------------------------------------------------------------------------------

SESSION: Final = (
    "taskflow up 2>hub.log &",
    "id=$(taskflow task submit demo.sleep seconds:=6)",
    "taskflow task list",
    "kill -9 $!",
    "taskflow up 2>hub.log &",
    "taskflow task wait $id",
)
COLUMNS: Final = 96
ROWS: Final = 14
GRAPH: Final = "taskflow workflow graph $id"
GRAPH_SIZE: Final = (64, 34)  # columns and rows
PROMPT: Final = "\x1b[1;32m$\x1b[0m "
KEY_S: Final = 0.035
AFTER_TYPING_S: Final = 0.25
AFTER_ANSWER_S: Final = 0.9
AT_THE_END_S: Final = 6.0
LONGEST_SILENCE_S: Final = 1.0
FRAME_S: Final = 0.2  # what changes faster is shown this often

CELL: Final = (8.4, 19.0)
MARGIN: Final = (20.0, 52.0)
INK: Final = "#d6dce4"
PAPER: Final = "#10151c"
COLOURS: Final = {
    "black": "#5c6773",
    "red": "#ff7b72",
    "green": "#56d364",
    "brown": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#56d4dd",
    "white": "#ffffff",
    "brightblack": "#8b949e",
}
FONTS: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
TEXT: Final = f"text {{ font: 14px {FONTS}; white-space: pre; }}"


@dataclass(frozen=True)
class Run:
    """Cells of one line that look alike."""

    column: int
    text: str
    colour: str
    bold: bool


Line = tuple[Run, ...]


@dataclass
class Shown:
    """A line of the screen, and from when to when it was to be seen."""

    row: int
    line: Line
    since: float
    until: float = 0.0


def record(folder: Path) -> list[tuple[float, bytes]]:
    """The session as pieces of output, each with the time it comes at."""
    tape: list[tuple[float, bytes]] = []
    now = 0.0

    def play(output: str | bytes, after_s: float) -> None:
        nonlocal now
        now += after_s
        tape.append((now, output.encode() if isinstance(output, str) else output))

    with Terminal(folder, _environment(folder), columns=COLUMNS, rows=ROWS) as terminal:
        for command in SESSION:
            play(PROMPT, AFTER_ANSWER_S if tape else 0.0)
            for key in command:
                play(key, KEY_S)
            play("\r\n", AFTER_TYPING_S)
            began = len(terminal.heard)
            terminal.run(command)
            before_s = terminal.heard[began][0]
            for at, piece in terminal.heard[began:]:
                play(re.sub(rb"\x1b\]777;\d+\x07", b"", piece), min(at - before_s, LONGEST_SILENCE_S))
                before_s = at
            if command.endswith("&"):
                terminal.run(
                    "until curl -sf $TASKFLOW_SERVER/workers | grep -q '\"pid\":'$!; do sleep 0.02; done"
                )
            if "submit" in command:
                # By curl: on a busy machine the command itself takes half of the six seconds that the task runs.
                shown = "curl -sf $TASKFLOW_SERVER/tasks/$id | grep -q '\"fraction\":0.[1-9]'"
                terminal.run(f"until {shown}; do sleep 0.02; done")
        play(PROMPT, AFTER_ANSWER_S)
    return tape


def _environment(folder: Path) -> dict[str, str]:
    port = str(free_port())
    return {
        "PATH": f"{ROOT / '.venv/bin'}:/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "TASKFLOW_HTTP_PORT": port,
        "TASKFLOW_SERVER": f"http://127.0.0.1:{port}",
        "TASKFLOW_WORKER_LOCK_DIR": str(folder / "locks"),
        "PYTHONPATH": str(ROOT),
    }


def photograph_graph(folder: Path) -> list[Shown]:
    """What stands in the terminal after `GRAPH`; a workflow has run in it, of a page that is there."""
    environ = _environment(folder)
    (folder / "page.html").write_text("<p>the fox and the dog and the moon</p>")
    code = "import json; from examples.pipeline import pipeline; print(json.dumps(pipeline.definition(input={})))"
    given = {"name": "front", "url": (folder / "page.html").as_uri()}
    with Terminal(folder, environ, columns=GRAPH_SIZE[0], rows=GRAPH_SIZE[1]) as terminal:
        terminal.run(
            f"python -c '{code.replace('input={}', f'input={given}'.replace(chr(39), chr(34)))}' >front.json"
        )
        terminal.run("taskflow up --app examples.pipeline:hub 2>hub.log &")
        terminal.run("until curl -sf $TASKFLOW_SERVER/workers | grep -q '\"pid\":'$!; do sleep 0.02; done")
        terminal.run("id=$(taskflow workflow submit front.json)")
        assert terminal.run("taskflow workflow graph --follow $id >/dev/null").status == 0
        began = len(terminal.heard)
        terminal.run(GRAPH)
        heard = b"".join(piece for _, piece in terminal.heard[began:])
    screen = pyte.Screen(*GRAPH_SIZE)
    pyte.ByteStream(screen).feed(f"{PROMPT}{GRAPH}\r\n".encode() + re.sub(rb"\x1b\]777;\d+\x07", b"", heard))
    lines = [(row, _line(screen, row)) for row in range(GRAPH_SIZE[1])]
    return [Shown(row, line, 0.0) for row, line in lines if line]


def develop(tape: list[tuple[float, bytes]]) -> tuple[list[Shown], float]:
    """Every line that was ever on the screen, and how long the whole lasts."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    film: list[Shown] = []
    current: dict[int, Shown] = {}
    frame_s = -FRAME_S
    for index, (at, piece) in enumerate(tape):
        stream.feed(piece)
        following = tape[index + 1][0] if index + 1 < len(tape) else at + FRAME_S
        typed = len(piece) == 1
        if following == at or (not typed and at - frame_s < FRAME_S and following - at < FRAME_S):
            continue
        frame_s = at
        for row in range(ROWS):
            line = _line(screen, row)
            seen = current.get(row)
            if seen is None or seen.line != line:
                if seen is not None:
                    seen.until = at
                    film.append(seen)
                current[row] = Shown(row, line, at)
    end = tape[-1][0] + AT_THE_END_S
    for seen in current.values():
        seen.until = end
        film.append(seen)
    return [shown for shown in film if shown.line], end


def _line(screen: pyte.Screen, row: int) -> Line:
    runs: list[Run] = []
    for column in range(screen.columns):
        cell = screen.buffer[row][column]
        colour = COLOURS.get(cell.fg, INK if cell.fg == "default" else f"#{cell.fg}")
        if cell.data == " ":
            continue
        last = runs[-1] if runs else None
        gap = column - (last.column + len(last.text)) if last else 2
        if last and gap <= 1 and (last.colour, last.bold) == (colour, cell.bold):
            runs[-1] = Run(last.column, last.text + " " * gap + cell.data, colour, cell.bold)
        else:
            runs.append(Run(column, cell.data, colour, cell.bold))
    return tuple(runs)


def draw(film: list[Shown], end: float) -> str:
    """An SVG that shows the film in a loop, its last frame where pictures do not move or people want none that do."""
    styles = [TEXT, "g { visibility: hidden; } .end { visibility: visible; }"]
    lines = []
    for number, shown in enumerate(sorted(film, key=lambda one: (one.since, one.row))):
        last = shown.until >= end
        since, until = 100 * shown.since / end, 100 * shown.until / end
        after = "" if last else f" {until:.2f}%, 100% {{ visibility: hidden; }}"
        styles.append(
            f"@keyframes k{number} {{ 0%, {max(since - 0.01, 0):.2f}% {{ visibility: hidden; }} "
            f"{since:.2f}%{', 100%' if last else ''} {{ visibility: visible; }}{after} }} "
            f"#l{number} {{ animation: k{number} {end:.2f}s step-end infinite; }}"
        )
        lines.append(
            f'<g id="l{number}"{" class=" + chr(34) + "end" + chr(34) if last else ""}>{_drawn(shown)}</g>'
        )
    styles.append("@media (prefers-reduced-motion: reduce) { g { animation: none !important; } }")
    return _framed("A task outlives kill -9", styles, lines, COLUMNS, ROWS)


def draw_still(lines: list[Shown], title: str) -> str:
    """An SVG that does not move."""
    columns = max(run.column + len(run.text) for shown in lines for run in shown.line)
    rows = max(shown.row for shown in lines) + 1
    return _framed(title, [TEXT], [f"<g>{_drawn(shown)}</g>" for shown in lines], columns, rows)


def _framed(title: str, styles: list[str], lines: list[str], columns: int, rows: int) -> str:
    """In the window of a terminal."""
    width = columns * CELL[0] + 2 * MARGIN[0]
    height = rows * CELL[1] + MARGIN[1] + MARGIN[0]
    dots = "".join(
        f'<circle cx="{24 + 20 * index}" cy="24" r="6" fill="{colour}"/>'
        for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">',
            f"<title>{title}</title>",
            f"<style>{' '.join(styles)}</style>",
            f'<rect width="{width:g}" height="{height:g}" rx="10" fill="{PAPER}"/>{dots}',
            *lines,
            "</svg>\n",
        ]
    )


def _drawn(shown: Shown) -> str:
    y = MARGIN[1] + shown.row * CELL[1] + 13
    return "".join(
        f'<text x="{MARGIN[0] + run.column * CELL[0]:g}" y="{y:g}" fill="{run.colour}" '
        f'textLength="{len(run.text) * CELL[0]:g}"{" font-weight=" + chr(34) + "700" + chr(34) if run.bold else ""}>'
        f"{escape(run.text, quote=False)}</text>"
        for run in shown.line
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make pictures")
    parser.add_argument("--only", choices=["terminal", "graph"], help="leave the others as they are")
    parser.add_argument("--into", type=Path, default=PICTURES, help="the folder to put them in")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if wanted.only in {None, "terminal"}:
            (wanted.into / "terminal.svg").write_text(draw(*develop(record(folder))), encoding="utf-8")
        if wanted.only in {None, "graph"}:
            beside = folder / "graph"
            beside.mkdir()
            picture = draw_still(photograph_graph(beside), "A workflow, drawn by taskflow workflow graph")
            (wanted.into / "graph.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
