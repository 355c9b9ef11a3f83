"""A bar chart as SVG, readable on light and on dark pages; lines are in chart.py."""

import math
from dataclasses import dataclass
from html import escape

from bench.chart import COLOURS, STYLE, WIDTH

LABEL, VALUE, TOP, ROW = 250, 130, 54, 24  # widths of what stands beside the bars; heights


@dataclass(frozen=True)
class Bar:
    """`ends`: where its parts end, each further than the one before. `ours` is set in bold."""

    name: str
    ends: list[float]
    text: str
    ours: bool = False


@dataclass(frozen=True)
class Bars:
    """`parts`: what the parts of each bar are. `log`: by decades, from `least` on."""

    title: str
    parts: list[str]
    bars: list[Bar]
    log: bool = False
    least: float = 0.0

    def svg(self) -> str:
        height = TOP + ROW * len(self.bars) + 8
        drawn = [_text(8, 18, self.title, "title")]
        for place, (part, colour) in enumerate(zip(self.parts, COLOURS, strict=False)):
            left = LABEL + 160 * place
            drawn.append(f'<rect x="{left}" y="29" width="12" height="12" rx="2" fill="{colour}"/>')
            drawn.append(_text(left + 17, 39, part))
        for place, bar in enumerate(self.bars):
            drawn += self._drawn(bar, TOP + ROW * place)
        body = "\n".join(drawn)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
            f"<title>{escape(self.title)}</title><style>{STYLE}.ours{{font-weight:600}}</style>\n{body}\n</svg>\n"
        )

    def _drawn(self, bar: Bar, top: float) -> list[str]:
        kind = "ours" if bar.ours else ""
        drawn = [_text(LABEL - 8, top + 13, bar.name, kind, anchor="end")]
        left = float(LABEL)
        for end, colour in zip(bar.ends, COLOURS, strict=False):
            right = LABEL + self._share(end) * (WIDTH - LABEL - VALUE)
            drawn.append(
                f'<rect x="{left:.1f}" y="{top}" width="{max(right - left, 0):.1f}" height="17" fill="{colour}"/>'
            )
            left = right
        drawn.append(_text(left + 6, top + 13, bar.text, kind))
        return drawn

    def _share(self, value: float) -> float:
        most = max(end for bar in self.bars for end in bar.ends)
        if not self.log:
            return value / most
        return max(math.log(max(value, self.least) / self.least), 0.0) / math.log(most / self.least)


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'
