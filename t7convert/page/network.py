"""The network as nested boxes, with its edges; ties in colour.

Steps stand below each other with arrows between them, branches side by side between two rails, the
nodes of a graph in a list with their edges beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import count

from t7convert.lua.summary import ModuleRow, TieRow
from t7convert.page.wiring import Wired, gutter, lanes_of, width, wired

#: Containers whose children are branches, and what each of them gets.
_BRANCHES = {
    "ConcatTable": "each gets the input; their outputs are a list",
    "ParallelTable": "each gets its entry of the input; their outputs are a list",
    "MapTable": "each gets an entry of the input; their outputs are a list",
    "Concat": "each gets the input; their outputs are joined",
    "DepthConcat": "each gets the input; their outputs are joined",
    "Parallel": "each gets a slice of the input; their outputs are joined",
}
#: Boxes that are open at first; deeper ones only in small networks.
_OPEN_DEPTH = 2
_SMALL = 150
_SHOWN = 6


@dataclass
class _Box:
    row: ModuleRow
    inside: list[_Box] = field(default_factory=list)


def network(rows: Sequence[ModuleRow], bad: Collection[str] = ()) -> str:
    """Return the graph of a network; the modules at the paths ``bad`` are marked."""
    if not rows:
        return ""
    stack: list[_Box] = []
    root = _Box(rows[0])
    for row in rows:
        box = root if row is rows[0] else _Box(row)
        del stack[row.depth :]
        if stack:
            stack[-1].inside.append(box)
        stack.append(box)
    drawing = _Drawing(frozenset(bad), len(rows) <= _SMALL)
    return (
        '<div class="tools" data-open><button type="button" data-all="1">Open all boxes</button>'
        '<button type="button" data-all="0">Close all boxes</button>'
        f'<span class="dim">{len(rows):,} modules</span></div>'
        '<div class="scroll graph" tabindex="0" role="region" aria-label="The network">'
        f'<div class="net">{drawing.box(root)}</div></div>'
    )


class _Drawing:
    def __init__(self, bad: frozenset[str], small: bool) -> None:
        self._bad, self._small = bad, small
        self._graphs = count(1)

    def box(self, box: _Box) -> str:
        row = box.row
        title = f"<b>{escape(_name(row))}</b> {escape(_short(row.typename))}"
        if row.geometry:
            title += f' <span class="dim mono">{escape(row.geometry)}</span>'
        title += "".join(
            tie_button(tensor.tie, tensor.name) for tensor in row.tensors if tensor.tie is not None
        )
        mark = " bad" if row.path in self._bad else ""
        if mark:
            title += ' <b class="bad">differs</b>'
        if not box.inside:
            again = " again" if row.again else ""
            note = ' <span class="dim">(the same object again)</span>' if row.again else ""
            return f'<div class="leaf{mark}{again}">{title}{note}</div>'
        is_open = self._small or row.depth < _OPEN_DEPTH or self._contains(box)
        kind = row.typename.rpartition(".")[2]
        if row.nodes:
            inner = f'<div class="in dag">{self._graph(box)}</div>'
        elif kind in _BRANCHES:
            title += f' <span class="dim">{_BRANCHES[kind]}</span>'
            inner = f'<div class="in side">{self._children(box)}</div>'
        else:
            steps = " seq" if kind.endswith("Sequential") else ""
            inner = f'<div class="in{steps}">{self._children(box)}</div>'
        return (
            f'<details class="{mark.strip()}"{" open" * is_open}><summary>{title}</summary>'
            f"{inner}</details>"
        )

    def _children(self, box: _Box) -> str:
        return "".join(f"<div>{self.box(child)}</div>" for child in box.inside)

    def _contains(self, box: _Box) -> bool:
        return any(c.row.path in self._bad or self._contains(c) for c in box.inside)

    def _graph(self, box: _Box) -> str:
        graph = f"g{next(self._graphs)}"
        rows = wired(box.row.nodes)
        lanes = lanes_of(rows)
        boxes = {child.row.path: child for child in box.inside}
        drawn: set[str] = set()
        labels = {row.number: _label(row, boxes) for row in rows}
        parts = []
        for place, row in enumerate(rows):
            child = boxes.get(row.node.module)
            ends = {0: "input", len(rows) - 1: "output"}
            if child is not None and row.node.module not in drawn:
                drawn.add(row.node.module)
                inner = self.box(child)
            elif child is not None:
                inner = f'<div class="leaf again">{escape(labels[row.number])} again</div>'
            else:
                text = ends.get(place, labels[row.number])
                inner = f'<div class="dot">{escape(text)}</div>'
            edges, words = gutter(row, lanes), "".join(_sources(row, labels, graph))
            parts.append(
                f'<div class="wire" id="{graph}n{row.number}" '
                f'style="padding-left:{width(lanes)}px">{edges}<div>{inner}{words}</div></div>'
            )
        return "".join(parts)


def _label(row: Wired, boxes: dict[str, _Box]) -> str:
    child = boxes.get(row.node.module)
    if child is not None:
        return f"{_name(child.row)} {_short(child.row.typename)}"
    if row.node.select is not None:
        return f"entry {row.node.select}"
    return "list of " + str(len(row.inputs)) if len(row.inputs) > 1 else "input"


def _sources(row: Wired, labels: dict[int, str], graph: str) -> Iterator[str]:
    """Say in words what feeds a node, as links: for keyboards and readers of screens."""
    if not row.inputs:
        return
    links = ", ".join(
        f'<a href="#{graph}n{number}">{escape(labels[number])}</a>'
        for number in row.inputs[:_SHOWN]
    )
    rest = len(row.inputs) - _SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    yield f'<div class="from dim">from {links}{more}</div>'


def _name(row: ModuleRow) -> str:
    return row.path.rpartition(".")[2] or "network"


def _short(typename: str) -> str:
    return typename.removeprefix("nn.")


def tie_button(number: int, name: str = "") -> str:
    """Return the mark of a tie; it has a colour and a number, and lights up its members."""
    text = f"tie {number}" + (f" {name}" if name else "")
    hue = round(number * 137.508) % 360  # the golden angle keeps neighbours apart
    return (
        f' <button type="button" class="tie" aria-pressed="false" data-tie="{number}" '
        f'style="--h:{hue}" title="Show what is tied">{escape(text)}</button>'
    )


def ties(rows: Sequence[TieRow]) -> str:
    """Return the list of ties."""
    if not rows:
        return '<p class="dim">No parameter is shared.</p>'
    items = "".join(
        f"<tr><td>{tie_button(row.number)}</td><td class=n>{row.values:,}</td>"
        f'<td class="p mono">{"<br>".join(map(escape, row.members))}'
        f"{'' if row.uniform else '<br>(seen in different ways)'}</td></tr>"
        for row in rows
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Ties"><table><thead><tr>'
        '<th scope="col">tie</th><th scope="col">values</th><th scope="col">members</th></tr>'
        f"</thead><tbody>{items}</tbody></table></div>"
    )
