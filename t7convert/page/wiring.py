"""The edges of a graph beside its list of nodes: each value is a line from where it is made.

A node is a row. In front of the rows runs a gutter with one lane per value that is still needed,
as version control draws its history: it stays readable with hundreds of nodes, on a phone too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from t7convert.lua.summary import NodeRow

#: Pixels between lanes; many lanes stand closer together.
_PITCH, _NARROW, _MANY = 14, 8, 12
#: Where a row's edges enter and leave it, in pixels from its top.
_IN, _OUT = 12, 24


@dataclass
class Wired:
    """One row of the list.

    Attributes:
        node: the node, with the nodes that only pass its inputs on left out.
        number: its number among all nodes, from 1.
        inputs: the numbers of the rows' nodes that feed it.
        lane: the lane of its output; None if nobody needs it.
        through: lanes that pass by.
        taken: lanes that end or are read here.
        ending: those of them that end here.
    """

    node: NodeRow
    number: int
    inputs: list[int]
    lane: int | None = None
    through: set[int] = field(default_factory=set)
    taken: list[int] = field(default_factory=list)
    ending: set[int] = field(default_factory=set)


def wired(nodes: Sequence[NodeRow]) -> list[Wired]:
    """Return the rows of a graph with their lanes."""
    source: dict[int, int] = {}
    rows: list[Wired] = []
    for number, node in enumerate(nodes, start=1):
        inputs = [source[i] for i in node.inputs]
        passing = not node.module and node.select is None and len(inputs) == 1
        if passing and number < len(nodes):
            source[number] = inputs[0]
            continue
        source[number] = number
        rows.append(Wired(node, number, inputs))
    _assign(rows)
    return rows


def _assign(rows: Sequence[Wired]) -> None:
    last = {number: place for place, row in enumerate(rows) for number in row.inputs}
    lane_of: dict[int, int] = {}
    busy: dict[int, int] = {}  # lane → the number of the value in it
    for place, row in enumerate(rows):
        row.taken = [lane_of[number] for number in dict.fromkeys(row.inputs)]
        for number in set(row.inputs):
            if last[number] == place:
                row.ending.add(lane_of[number])
                del busy[lane_of[number]]
        if row.number in last:
            first = 1 if last[row.number] > place + 1 else 0  # lane 0 leads to the next row only
            row.lane = next(lane for lane in range(first, len(busy) + 2) if lane not in busy)
        row.through = set(busy)
        if row.lane is not None:
            busy[row.lane] = row.number
            lane_of[row.number] = row.lane


def lanes_of(rows: Sequence[Wired]) -> int:
    """Return the number of lanes."""
    used = {lane for row in rows for lane in (*row.through, *row.taken)}
    return max(used, default=-1) + 1


def width(lanes: int) -> int:
    """Return the width of the gutter in pixels."""
    return lanes * _pitch(lanes) + 10


def _pitch(lanes: int) -> int:
    return _PITCH if lanes <= _MANY else _NARROW


def gutter(row: Wired, lanes: int) -> str:
    """Return the edges beside one row, as SVG that stretches with the row."""
    lines = "".join(_lines(row, width(lanes), _pitch(lanes)))
    return f'<svg class="lanes" width="{width(lanes)}" aria-hidden="true">{lines}</svg>'


def _lines(row: Wired, width: int, pitch: int) -> Iterator[str]:
    def x(lane: int) -> int:  # lane 0 stands next to the boxes
        return width - 8 - lane * pitch - pitch // 2

    for lane in sorted(row.through):
        yield _line(lane, x(lane), 0, x(lane), "100%")
    for lane in row.taken:
        if lane in row.ending:
            yield _line(lane, x(lane), 0, x(lane), _IN)
        yield _line(lane, x(lane), _IN, width - 5, _IN)
    if row.taken:
        yield f'<path class="tip" d="M{width - 7} {_IN - 4}l7 4l-7 4z"/>'
    if row.lane is not None:
        yield _line(row.lane, x(row.lane), _OUT, width, _OUT)
        yield _line(row.lane, x(row.lane), _OUT, x(row.lane), "100%")


def _line(lane: int, x1: int, y1: int, x2: int, y2: int | str) -> str:
    return f'<line class="l{lane % 6}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
