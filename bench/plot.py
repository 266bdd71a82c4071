"""Draw the ratios and their targets as an SVG bar chart.

There are two panels: one where longer bars are better, one where shorter are.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from bench.targets import Result

WIDTH = 760
_LEFT, _RIGHT = 300, 90  # room for the names, and for the numbers
_LINE, _BAR = 26, 14
_COLOURS = {"ok": "#2f7d4f", "missed": "#b4472e"}
_PANELS = (
    ("more", "requests/s divided by those of the boto3 view: more is better"),
    ("less", "cost divided by that of the other contender: less is better"),
)


def to_svg(results: Sequence[Result]) -> str:
    """Return an SVG of the ratios with a target; amounts in ns or MB are not drawn."""
    svg = ElementTree.Element("svg", xmlns="http://www.w3.org/2000/svg")
    _add(svg, "rect", width="100%", height="100%", fill="#ffffff")
    top = 10
    for better, title in _PANELS:
        chosen = [r for r in results if r.row.better == better and _is_drawn(r)]
        if chosen:
            top = _panel(svg, title, chosen, top)
    top = _legend(svg, top)
    svg.attrib |= {"viewBox": f"0 0 {WIDTH} {top}", "width": str(WIDTH), "height": str(top)}
    svg.attrib |= {"font-family": "sans-serif", "font-size": "12"}
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def _is_drawn(result: Result) -> bool:
    return result.row.unit == "×" and result.row.must is not None


def _panel(svg: ElementTree.Element, title: str, results: Sequence[Result], top: int) -> int:
    """Draw ``results`` in rows; return the top of the next panel."""
    longest = max(max(*r.values, r.row.must or 0, r.row.aim or 0, 1) for r in results)
    scale = (WIDTH - _LEFT - _RIGHT) / longest
    _text(svg, 10, top + 16, title, **{"font-weight": "bold"})
    top += _LINE
    for number, result in enumerate(results):
        _bar(svg, result, top + number * _LINE, scale)
    bottom = top + len(results) * _LINE
    _mark(svg, _LEFT + scale, top, bottom - 6, "#999999", "")
    return bottom + 14


def _bar(svg: ElementTree.Element, result: Result, top: int, scale: float) -> None:
    row = result.row
    _text(svg, _LEFT - 8, top + 12, row.text, **{"text-anchor": "end"})
    _add(
        svg,
        "rect",
        x=str(_LEFT),
        y=str(top),
        width=f"{result.median * scale:.1f}",
        height=str(_BAR),
        fill=_COLOURS[result.verdict],
    )
    _spread(svg, result, top + _BAR / 2, scale)
    number = f"{result.median:.2f}×"
    _text(svg, WIDTH - 20, top + 12, number, **{"text-anchor": "end"})
    _mark(svg, _LEFT + (row.must or 0) * scale, top - 4, top + _BAR + 4, "#000000", "")
    _mark(svg, _LEFT + (row.aim or 0) * scale, top - 4, top + _BAR + 4, "#000000", "2 2")


def _spread(svg: ElementTree.Element, result: Result, y: float, scale: float) -> None:
    """Draw a thin line from the minimum to the maximum of all rounds."""
    left, right = (_LEFT + value * scale for value in (min(result.values), max(result.values)))
    ends = {"x1": f"{left:.1f}", "x2": f"{right:.1f}", "y1": f"{y:.1f}", "y2": f"{y:.1f}"}
    _add(svg, "line", stroke="#8a8a8a", **{"stroke-width": "2"}, **ends)


def _mark(
    svg: ElementTree.Element, x: float, top: float, bottom: float, colour: str, dashes: str
) -> None:
    ends = {"x1": f"{x:.1f}", "x2": f"{x:.1f}", "y1": str(top), "y2": str(bottom)}
    dashed = {"stroke-dasharray": dashes} if dashes else {}
    _add(svg, "line", stroke=colour, **{"stroke-width": "1.5"}, **dashed, **ends)


def _legend(svg: ElementTree.Element, top: int) -> int:
    _text(
        svg,
        10,
        top + 8,
        "bar: median, green if the target is met; light line: minimum to maximum; "
        "black line: must; dotted: aim; grey: 1×",
        fill="#555555",
    )
    return top + 20


def _text(svg: ElementTree.Element, x: float, y: float, text: str, **more: str) -> None:
    _add(svg, "text", x=f"{x:.1f}", y=str(y), **more).text = text


def _add(svg: ElementTree.Element, kind: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(svg, kind, attributes)
