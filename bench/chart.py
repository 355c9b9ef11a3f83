"""A line chart as SVG: a few hundred octets that are readable on light and on dark pages. (Why no library: docs/adr/0001.)"""

import math
from dataclasses import dataclass, field
from html import escape
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 300
SIDE: Final = 10
LETTER: Final = 6.6  # how wide one is, in a legend
LEFT, RIGHT, TOP, BOTTOM = 66, 12, 48, 40  # the margins around the plot
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73")  # of Okabe and Ito: told apart by everybody

STYLE: Final = """
.page{fill:#fff}text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600;font-size:14px}.ours{font-weight:600}
.grid{stroke:#ddd}.limit{stroke:#888;stroke-dasharray:5 4}.line{fill:none;stroke-width:2}.spread{fill:none;stroke:#333}
@media(prefers-color-scheme:dark){.page{fill:#0d1117}text{fill:#ddd}.grid{stroke:#444}.spread{stroke:#ddd}}
"""


@dataclass(frozen=True)
class Line:
    name: str
    points: list[tuple[float, float]]
    spread: list[tuple[float, float]] = field(default_factory=list)  # the least and the most at each point


@dataclass(frozen=True)
class Chart:
    """`log`: the y axis in decades. `limit`: a height that is not to be passed, with its name."""

    title: str
    x_name: str
    y_name: str
    lines: list[Line]
    log: bool = False
    limit: tuple[str, float] | None = None

    def svg(self) -> str:
        heights = [y for line in self.lines for _, y in line.points]
        heights += [y for line in self.lines for both in line.spread for y in both] + [
            self.limit[1] if self.limit else 0.0
        ]
        y_ticks = _decades(heights) if self.log else _steps(0.0, max(heights))
        x_ends = [x for line in self.lines for x, _ in line.points]
        x_ticks = [x for x in _steps(0.0, max(x_ends)) if x <= max(x_ends)]
        x_low, x_high, y_low, y_high = min(0.0, *x_ends), max(x_ends), y_ticks[0], y_ticks[-1]

        def across(x: float) -> float:
            return LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

        def down(y: float) -> float:
            share = (
                math.log(max(y, y_low) / y_low) / math.log(y_high / y_low)
                if self.log
                else (y - y_low) / (y_high - y_low)
            )
            return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

        drawn = [_text(LEFT, 18, self.title, "title"), _text(LEFT, HEIGHT - 6, self.x_name)]
        drawn.append(_text(LEFT - 50, TOP - 10, self.y_name))
        for tick in y_ticks:
            drawn.append(_rule(LEFT, down(tick), WIDTH - RIGHT, down(tick), "grid"))
            drawn.append(_text(LEFT - 6, down(tick) + 4, f"{tick:,g}", anchor="end"))
        drawn += [
            _text(across(tick), HEIGHT - BOTTOM + 16, f"{tick:,g}", anchor="middle") for tick in x_ticks
        ]
        if self.limit is not None:
            name, height = self.limit
            drawn.append(_rule(LEFT, down(height), WIDTH - RIGHT, down(height), "limit"))
            drawn.append(_text(WIDTH - RIGHT, down(height) - 5, name, anchor="end"))
        legend = LEFT + 40.0
        for line, colour in zip(self.lines, COLOURS, strict=False):
            points = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in line.points)
            drawn.append(f'<polyline class="line" stroke="{colour}" points="{points}"/>')
            for (x, _), (least, most) in zip(line.points, line.spread, strict=False):
                left, low, high = across(x) - 4, down(least), down(most)
                drawn.append(f'<path class="spread" d="M{left:.1f} {low:.1f}h8m-4 0V{high:.1f}m-4 0h8"/>')
            drawn += [
                f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="3" fill="{colour}"/>'
                for x, y in line.points
            ]
            drawn.append(_legend(legend, line.name, colour))
            legend += 26 + LETTER * len(line.name)
        return drawing(self.title, drawn, HEIGHT)


def drawing(title: str, drawn: list[str], height: float) -> str:
    """On a page of its own colour: whoever shows it may be lighter or darker than the reader's scheme says."""
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>\n"
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _legend(x: float, name: str, colour: str) -> str:
    return f'<rect x="{x}" y="{TOP - 20}" width="12" height="12" rx="2" fill="{colour}"/>' + _text(
        x + 17, TOP - 10, name
    )


def _steps(low: float, high: float) -> list[float]:
    """Round numbers, about five of them, that enclose the two."""
    rough = (high - low) / 5 or 1.0
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [step * n for n in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _decades(heights: list[float]) -> list[float]:
    known = [height for height in heights if height > 0]
    return [10.0**n for n in range(math.floor(math.log10(min(known))), math.ceil(math.log10(max(known))) + 1)]
