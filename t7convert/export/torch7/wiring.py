"""From operations to one Lua module: containers of torch/nn where branches nest, else nngraph.

A value that goes several ways which meet again in one operation is a ``ConcatTable`` before it;
where ways cross, the whole is an ``nn.gModule``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import fx

from t7convert.export.torch7.building import Place
from t7convert.export.torch7.operations import Made
from t7convert.lua.tree import LuaModule


class _CrossedError(Exception):
    """The graph is none of nested branches."""


def wired(
    place: Place,
    made: Mapping[fx.Node, Made],
    inputs: Sequence[fx.Node],
    outputs: Sequence[fx.Node],
    *,
    table: bool,
) -> LuaModule:
    """Return the module that computes the outputs from the inputs.

    Args:
        place: of the network.
        made: the module of each operation, in order.
        inputs: the network's; several are a table.
        outputs: what it gives.
        table: whether it gives a table, which one output may be too.
    """
    if table and len(outputs) == 1:
        inner = wired(place, made, inputs, outputs, table=False)
        alone = place.lua("nn.ConcatTable", modules=[place.lua("nn.Identity")])
        return place.sequential(inner, alone)
    if len(inputs) == 1 and not table:
        try:
            return _Nested(place, made, inputs[0]).module(outputs[0])
        except _CrossedError:
            pass
    return _graph(place, made, inputs, outputs)


class _Nested:
    """Operations as Sequentials and ConcatTables."""

    def __init__(self, place: Place, made: Mapping[fx.Node, Made], start: fx.Node) -> None:
        self._place, self._made, self._start = place, made, start
        self._used: set[fx.Node] = set()
        self._above = _dominators(made, start)

    def module(self, end: fx.Node) -> LuaModule:
        """Return the module from the input to ``end``.

        Raises:
            _CrossedError: if an operation would stand in two branches.
        """
        return self._branch(end, self._start)

    def _branch(self, end: fx.Node, start: fx.Node) -> LuaModule:
        steps: list[LuaModule] = []
        while end is not start:
            if end in self._used or end not in self._made:
                raise _CrossedError
            self._used.add(end)
            inputs, module = self._made[end]
            steps.append(module)
            if len(inputs) == 1:
                end = inputs[0]
                continue
            fork = self._above[end]
            if fork is None:
                raise _CrossedError
            ways = [self._branch(each, fork) for each in inputs]
            steps.append(self._place.lua("nn.ConcatTable", modules=ways))
            end = fork
        steps.reverse()
        if not steps:
            return self._place.lua("nn.Identity")
        return steps[0] if len(steps) == 1 else self._place.sequential(*steps)


def _dominators(made: Mapping[fx.Node, Made], start: fx.Node) -> dict[fx.Node, fx.Node | None]:
    """Return for each operation the last value that all its inputs come from."""
    above: dict[fx.Node, fx.Node | None] = {start: None}
    depth = {start: 0}
    for node, (inputs, _) in made.items():
        common: fx.Node | None = inputs[0]
        for other in inputs[1:]:
            second: fx.Node | None = other
            while common is not second and common is not None and second is not None:
                if depth[common] >= depth[second]:
                    common = above[common]
                else:
                    second = above[second]
            common = common if second is not None else None
        above[node] = common
        depth[node] = 0 if common is None else depth[common] + 1
    return above


def _graph(
    place: Place,
    made: Mapping[fx.Node, Made],
    inputs: Sequence[fx.Node],
    outputs: Sequence[fx.Node],
) -> LuaModule:
    """Return an nn.gModule, its nodes as nngraph makes them: each input is an Identity's."""
    nodes: list[dict[str, object]] = []
    modules: list[LuaModule] = []
    number: dict[fx.Node, int] = {}

    def node(sources: Sequence[int], module: LuaModule | None, select: int | None = None) -> int:
        if module is not None:
            modules.append(module)
        place_of = len(modules) if module is not None else None
        name = f"node{len(nodes) + 1}"
        nodes.append({"module": place_of, "inputs": list(sources), "select": select, "name": name})
        return len(nodes)

    first = node([], None)
    split = first if len(inputs) == 1 else node([first], None)
    for position, each in enumerate(inputs, start=1):
        source = split if len(inputs) == 1 else node([split], None, position)
        number[each] = node([source], place.lua("nn.Identity"))

    def distinct(sources: Sequence[fx.Node]) -> list[int]:
        """nngraph knows a source by its node: what comes twice comes through an Identity."""
        found: list[int] = []
        for source in sources:
            again = number[source] in found
            found.append(
                node([number[source]], place.lua("nn.Identity")) if again else number[source]
            )
        return found

    for each, (sources, module) in made.items():
        number[each] = node(distinct(sources), module)
    last = node(distinct(outputs), None)
    return place.lua(
        "nn.gModule",
        nodes=nodes,
        modules=modules,
        input=first,
        output_node=last,
        nInputs=len(inputs),
    )
