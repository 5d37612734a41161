"""The module tree of a residual network as a graph: chains of layers, and forks that are added up.

``nn.Sequential`` nesting, ``nn.Identity`` and what spreads a network over GPUs mean nothing to the
function computed, so they are gone here. Each layer is one letter; a chain is then a word, and the
definitions are patterns of such words (see ``residual_facts``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from t7convert.conversion.layer import Layer
from t7convert.errors import ArchitectureError
from t7convert.lua.tree import LuaModule

#: The letter of each Lua class that these networks are made of.
LETTERS = {
    "nn.SpatialConvolution": "C",
    "nn.SpatialConvolutionMM": "C",
    "cudnn.SpatialConvolution": "C",
    "nn.SpatialBatchNormalization": "B",
    "cudnn.SpatialBatchNormalization": "B",
    "nn.ReLU": "R",
    "cudnn.ReLU": "R",
    "nn.SpatialMaxPooling": "M",
    "cudnn.SpatialMaxPooling": "M",
    "nn.SpatialAveragePooling": "A",
    "cudnn.SpatialAveragePooling": "A",
    "nn.Dropout": "D",
    "nn.ConcatTable": "F",
    "nn.CAddTable": "+",
    "nn.Concat": "K",
    "nn.View": "V",
    "nn.Linear": "L",
}
#: Containers that apply their children one after another, or their only child.
ONE_CHILD = {"nn.DataParallelTable", "nn.DataParallel", "nn.GPU"}
TRANSPARENT = ONE_CHILD | {"nn.Sequential"}
LayerOf = Callable[[LuaModule], Layer]
#: How deep containers may nest; the definitions need five.
MAX_DEPTH = 50


@dataclass(frozen=True, eq=False)
class Node:
    """One layer of a chain; a fork has the chains of its branches."""

    letter: str
    layer: Layer
    branches: tuple[Chain, ...] = ()


#: A container that is gone, and the layers that it held.
Group = tuple[LuaModule, tuple[Node, ...]]


@dataclass(frozen=True)
class Chain:
    """Layers applied one after another, and ``word``, their letters.

    ``groups`` has the ``TRANSPARENT`` containers that were there, with the layers of each.
    """

    path: str
    nodes: tuple[Node, ...]
    groups: tuple[Group, ...] = ()

    @property
    def word(self) -> str:
        return "".join(node.letter for node in self.nodes)

    def __str__(self) -> str:
        names = [node.layer.typename.rpartition(".")[2] for node in self.nodes]
        shown = names if len(names) <= 12 else [*names[:10], "...", names[-1]]
        return ", ".join(shown) or "nothing"


def chain_of(root: LuaModule, layer_of: LayerOf) -> Chain:
    """Return the graph below ``root``.

    Raises:
        ArchitectureError: if something is there that no residual network of the paper has.
    """
    return _Expansion(layer_of).chain(root, 0)


class _Expansion:
    """Takes the containers apart, each once: one that stands in two places is no definition's.

    That also keeps modules that contain themselves from going on forever.
    """

    def __init__(self, layer_of: LayerOf) -> None:
        self._layer_of = layer_of
        self._seen: set[int] = set()

    def chain(self, module: LuaModule, depth: int) -> Chain:
        groups: list[Group] = []
        nodes = self._nodes(module, depth, groups)
        return Chain(module.path, nodes, tuple(groups))

    def _nodes(self, module: LuaModule, depth: int, groups: list[Group]) -> tuple[Node, ...]:
        if depth > MAX_DEPTH:
            raise ArchitectureError(f"containers nest more than {MAX_DEPTH} deep at {module.path}")
        _require_plain(module)
        if module.typename == "nn.Identity":
            return ()
        if module.typename in TRANSPARENT:
            inner = [self._nodes(child, depth + 1, groups) for child in self._children(module)]
            nodes = tuple(node for part in inner for node in part)
            groups.append((module, nodes))
            return nodes
        letter = LETTERS.get(module.typename)
        if letter is None:
            raise ArchitectureError(
                f"{place(module)} is a {module.typename}, "
                "which neither a ShaResNet nor its original has"
            )
        branches: tuple[Chain, ...] = ()
        if letter == "F":
            branches = tuple(self.chain(child, depth + 1) for child in self._children(module))
        return (Node(letter, self._layer_of(module), branches),)

    def _children(self, module: LuaModule) -> list[LuaModule]:
        if id(module) in self._seen:
            raise ArchitectureError(f"{place(module)} stands in several places")
        self._seen.add(id(module))
        children = [child for _, child in module.children()]
        listed = module.fields.get("modules")
        if not isinstance(listed, list) or len(listed) != len(children):
            raise ArchitectureError(f"{place(module)} holds something that is no module")
        if module.typename in ONE_CHILD and len(children) != 1:
            raise ArchitectureError(f"{place(module)} holds {len(children)} modules, expected 1")
        return children


def _require_plain(module: LuaModule) -> None:
    """Refuse a module that computes something else than its class says, or may do so."""
    for what, names in (
        ("overrides", module.overridden),
        ("lacks", module.missing),
        ("holds modules in", module.strange),
    ):
        if names:
            raise ArchitectureError(f"{place(module)} {what} {', '.join(names)}")


def place(module: LuaModule | Layer) -> str:
    """Return the module's path, or words for the root's, which is empty."""
    return module.path or "the root"
