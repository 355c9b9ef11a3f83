"""A bar chart as SVG, readable on light and on dark pages; lines are in chart.py."""

import math
from dataclasses import dataclass
from html import escape
from typing import Final

from bench.chart import COLOURS, SIDE, WIDTH, drawing

LABEL, VALUE, TOP, ROW = 266, 140, 62, 24  # widths of what stands beside the bars; heights
OURS, OTHERS = COLOURS[1], COLOURS[0]
SHADES: Final = (1.0, 0.45)  # of the parts of a bar


@dataclass(frozen=True)
class Bar:
    """`ends`: where its parts end, each further than the one before. `spread`: the least and the most there was."""

    name: str
    ends: list[float]
    text: str
    spread: tuple[float, float]
    ours: bool = False


@dataclass(frozen=True)
class Bars:
    """`parts`: what the parts of each bar are. `log`: by decades, from `least` on."""

    title: str
    note: str
    parts: list[str]
    bars: list[Bar]
    log: bool = False
    least: float = 0.0

    def svg(self) -> str:
        drawn = [_text(SIDE, 20, self.title, "title"), _text(SIDE, 38, self.note)]
        kinds = [("the hub", OURS, 1.0), ("others", OTHERS, 1.0)]
        if len(self.parts) > 1:
            kinds += [(part, "#888", shade) for part, shade in zip(self.parts, SHADES, strict=True)]
        for place, (name, colour, shade) in enumerate(kinds):
            left = LABEL + 110 * place
            drawn.append(_rectangle(left, 45, 11, 11, colour, shade))
            drawn.append(_text(left + 16, 55, name))
        for place, bar in enumerate(self.bars):
            drawn += self._drawn(bar, TOP + 4 + ROW * place)
        return drawing(self.title, drawn, TOP + ROW * len(self.bars) + 12)

    def _drawn(self, bar: Bar, top: float) -> list[str]:
        kind = "ours" if bar.ours else ""
        drawn = [_text(LABEL - 8, top + 13, bar.name, kind, anchor="end")]
        left = float(LABEL)
        for end, shade in zip(bar.ends, SHADES, strict=False):
            right = self._across(end)
            drawn.append(_rectangle(left, top, max(right - left, 0), 17, OURS if bar.ours else OTHERS, shade))
            left = right
        least, most = map(self._across, bar.spread)
        middle = top + 8.5
        drawn.append(f'<path class="spread" d="M{least:.1f} {middle - 4}v8m0 -4H{most:.1f}m0 -4v8"/>')
        drawn.append(_text(max(left, most) + 7, top + 13, bar.text, kind))
        return drawn

    def _across(self, value: float) -> float:
        return LABEL + self._share(value) * (WIDTH - LABEL - VALUE)

    def _share(self, value: float) -> float:
        most = max(max(*bar.ends, *bar.spread) for bar in self.bars)
        if not self.log:
            return value / most
        return max(math.log(max(value, self.least) / self.least), 0.0) / math.log(most / self.least)


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def _rectangle(left: float, top: float, width: float, height: float, colour: str, shade: float) -> str:
    return f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height}" fill="{colour}" opacity="{shade}"/>'
