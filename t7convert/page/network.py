"""The network as nested boxes: steps below each other, branches side by side, ties in colour."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from html import escape

from t7convert.lua.summary import ModuleRow, TieRow

#: Containers whose children are branches, not steps.
_BRANCHES = ("ConcatTable", "ParallelTable", "Concat", "DepthConcat", "Parallel", "MapTable")
#: Boxes that are open at first; deeper ones only in small networks.
_OPEN_DEPTH = 3
_SMALL = 150


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
    small = len(rows) <= _SMALL
    return (
        '<div class="scroll graph" tabindex="0" role="region" aria-label="The network">'
        f'<div class="net">{_render(root, frozenset(bad), small)}</div></div>'
    )


def _render(box: _Box, bad: frozenset[str], small: bool) -> str:
    row = box.row
    title = f"<b>{escape(_name(row))}</b> {escape(_short(row.typename))}"
    if row.geometry:
        title += f' <span class="dim mono">{escape(row.geometry)}</span>'
    title += "".join(
        tie_button(tensor.tie, tensor.name) for tensor in row.tensors if tensor.tie is not None
    )
    mark = " bad" if row.path in bad else ""
    if mark:
        title += ' <b class="bad">differs</b>'
    if not box.inside:
        again = " again" if row.again else ""
        note = ' <span class="dim">(the same object again)</span>' if row.again else ""
        return f'<div class="leaf{mark}{again}">{title}{note}</div>'
    inner = "".join(_render(child, bad, small) for child in box.inside)
    side = " side" if row.typename.rpartition(".")[2] in _BRANCHES else ""
    is_open = " open" if small or row.depth < _OPEN_DEPTH or _contains(box, bad) else ""
    return (
        f'<details class="{mark.strip()}"{is_open}><summary>{title}</summary>'
        f'<div class="in{side}">{inner}</div></details>'
    )


def _contains(box: _Box, bad: frozenset[str]) -> bool:
    return any(child.row.path in bad or _contains(child, bad) for child in box.inside)


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
