"""The ``forward`` of a graph of modules, one line for each node."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence

from torch import nn

from t7convert.export.source.calls import WIDTH, Arg, Call, Expr, Literal, render
from t7convert.nn.graph import GraphModule


def spoken(module: nn.Module) -> bool:
    """Tell whether a node's module does anything; an identity is another name for its input."""
    hooks = module._forward_hooks or module._forward_pre_hooks
    return type(module) is not nn.Identity or bool(hooks)


def forward_lines(graph: GraphModule) -> list[str]:
    """Return the lines of ``forward(self, input)``."""
    return list(_Writer(graph).lines())


def _expression(value: str) -> Expr:
    """Return a name, or a list of names, as what can be broken into lines."""
    if not (value.startswith("[") and value.endswith("]") and value.count("[") == 1):
        return Literal(value)
    return Call("", tuple(Arg("", Literal(name)) for name in value[1:-1].split(", ")), "[]")


def _unpacked(names: Sequence[str], value: str) -> str:
    line = f"{', '.join(names)} = {value}"
    if len(line) + 8 <= WIDTH:
        return line
    given = Call("", tuple(Arg("", Literal(name)) for name in names))
    return render(given, 8, WIDTH) + f" = {value}"


class _Writer:
    def __init__(self, graph: GraphModule) -> None:
        self.graph = graph
        self.wiring: Sequence[tuple[str, tuple[int, ...], int | None]] = graph._wiring
        self.names: list[str] = []

    def lines(self) -> Iterator[str]:
        graph = self.graph
        entries = self._entries()
        for position, (name, inputs, select) in enumerate(self.wiring):
            if position == graph._input:
                value = "input"
            elif len(inputs) == 1:
                value = self.names[inputs[0]]
            else:
                value = "[" + ", ".join(self.names[source] for source in inputs) + "]"
            if select is not None:
                value = entries.get(position, f"{value}[{select}]")
            if name and spoken(getattr(graph, name)):
                own = self._local(position)
                before = f"{own} = "
                call = Call(f"self.{name}", (Arg("", _expression(value)),))
                yield before + render(call, 8, len(before))
                value = own
            elif value.startswith("[") and position != graph._output:
                own = self._local(position)
                yield f"{own} = " + render(_expression(value), 8, len(own) + 3)
                value = own
            if position == graph._input and entries:
                order = sorted(entries, key=self._selected)
                yield _unpacked([entries[p] for p in order], value)
            self.names.append(value)
        yield "return " + render(_expression(self.names[graph._output]), 8, 7)

    def _selected(self, position: int) -> int:
        return self.wiring[position][2] or 0

    def _entries(self) -> dict[int, str]:
        """Name the entries of the network's input, if nodes pick each of them once."""
        passes = {self.graph._input}
        picks: dict[int, int] = {}
        for position, (name, inputs, select) in enumerate(self.wiring):
            if len(inputs) != 1 or inputs[0] not in passes:
                continue
            if select is not None:
                picks[position] = select
            elif not name:
                passes.add(position)
        if sorted(picks.values()) != list(range(self.graph.num_inputs)) or len(picks) < 2:
            return {}
        read = {source for _, inputs, _ in self.wiring for source in inputs}
        first = self.wiring[self.graph._input]
        if first[0] or first[2] is not None or self.graph._output in passes or not read:
            return {}
        return {position: self._local(position) for position in picks}

    def _local(self, position: int) -> str:
        """Return the name of a node's value: the node's own, where Python allows it."""
        label = self.graph._labels[position]
        word = label.isidentifier() and not keyword.iskeyword(label)
        plain = label if word and label not in ("input", "self") else f"value{position + 1}"
        labels = self.graph._labels
        return plain if labels.count(label) == 1 else f"{plain}_{position + 1}"
