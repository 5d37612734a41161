"""What the graph of a residual network says: its blocks, its parts by their names in ``models``.

Only the order of layers is decided here; geometry and ties are compared with the definition that
``recognise`` builds from these facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.residual_graph import Chain, Node, place
from t7convert.errors import ArchitectureError
from t7convert.residual import BasicBlock, Bottleneck, PreActBottleneck, WideBasic

#: conv, norm, relu, maybe max pooling; blocks; average pooling, view, linear.
_POST = re.compile(r"CBRM?(F\+R)+AVL")
#: conv; blocks, some with norm and relu before the fork; norm, relu, average pooling, view, linear.
_PRE = re.compile(r"C((BR)?F\+)+BRAVL")

#: The residual branch of each kind of block: its word and the names of its layers.
_POST_BLOCKS: dict[str, tuple[type[nn.Module], str]] = {
    "CBRCB": (BasicBlock, "conv1 bn1 relu conv2 bn2"),
    "CBRCBRCB": (Bottleneck, "conv1 bn1 relu conv2 bn2 relu conv3 bn3"),
}
_PRE_BLOCKS: dict[str, tuple[type[nn.Module], str]] = {
    "BRCBRC": (WideBasic, "bn1 relu conv1 bn2 relu conv2"),
    "BRCBRDC": (WideBasic, "bn1 relu conv1 bn2 relu dropout conv2"),
    "BRCBRCBRC": (PreActBottleneck, "bn1 relu conv1 bn2 relu conv2 bn3 relu conv3"),
}
_POST_SHORTCUTS = {"": "", "CB": "downsample.0 downsample.1", "AK": "downsample.pool downsample"}
_PRE_SHORTCUTS = {"": "", "C": "downsample.0"}


@dataclass(frozen=True)
class Block:
    """A block: its class in ``models`` and its layers by name.

    ``early`` says that normalisation and ReLU stand before the fork; ``nodes`` are the graph's
    nodes that make up the block, ``side`` the chain of its shortcut.
    """

    kind: type[nn.Module]
    path: str
    layers: tuple[tuple[str, Layer], ...]
    side: Chain
    nodes: tuple[Node, ...]
    early: bool = False

    @property
    def shortcut(self) -> str:
        """The shortcut's word."""
        return self.side.word

    def layer(self, name: str) -> Layer:
        """Return the layer called ``name``, e.g. ``conv1``."""
        return dict(self.layers)[name]

    @property
    def has_dropout(self) -> bool:
        return any(name == "dropout" for name, _ in self.layers)


@dataclass(frozen=True)
class Facts:
    """A network: its blocks in order, and the layers around them by name."""

    preactivation: bool
    around: tuple[tuple[str, Layer], ...]
    blocks: tuple[Block, ...]
    view: Layer

    def layer(self, name: str) -> Layer | None:
        """Return the layer around the blocks called ``name``, e.g. ``fc``."""
        return dict(self.around).get(name)


def facts_of(chain: Chain) -> Facts:
    """Read a network's graph.

    Raises:
        ArchitectureError: if its layers do not follow each other as in any of the definitions.
    """
    preactivation = _PRE.fullmatch(chain.word) is not None
    if not preactivation and not _POST.fullmatch(chain.word):
        raise ArchitectureError(f"the layers ({chain}) are in no ShaResNet's order")
    nodes = chain.nodes
    forks = [position for position, node in enumerate(nodes) if node.letter == "F"]
    pool, view, linear = nodes[-3:]
    if preactivation:
        around = [("conv1", nodes[0]), ("bn1", nodes[-5]), ("relu", nodes[-4])]
    else:
        stem = ("conv1", "bn1", "relu", "maxpool")[: forks[0]]
        around = list(zip(stem, nodes[: forks[0]], strict=True))
    around += [("avgpool", pool), ("fc", linear)]
    return Facts(
        preactivation,
        tuple((name, node.layer) for name, node in around),
        tuple(_blocks(nodes, forks, preactivation)),
        view.layer,
    )


def _blocks(nodes: tuple[Node, ...], forks: list[int], preactivation: bool) -> Iterator[Block]:
    for position in forks:
        fork = nodes[position]
        head = nodes[position - 2 : position] if preactivation else ()
        # Between two forks there is an add, or norm and relu; the first fork may follow conv1.
        early = "".join(node.letter for node in head) == "BR"
        head = head if early else ()
        end = position + (2 if preactivation else 3)
        yield _block(fork, head, (*head, *nodes[position:end]), preactivation)


def _block(
    fork: Node, head: tuple[Node, ...], whole: tuple[Node, ...], preactivation: bool
) -> Block:
    where = place(fork.layer)
    if len(fork.branches) != 2:
        raise ArchitectureError(f"the fork at {where} has {len(fork.branches)} branches, not 2")
    main, side = fork.branches
    nodes = (*head, *main.nodes)
    word = "".join(node.letter for node in nodes)
    known, shortcuts = (
        (_PRE_BLOCKS, _PRE_SHORTCUTS) if preactivation else (_POST_BLOCKS, _POST_SHORTCUTS)
    )
    if word not in known:
        raise ArchitectureError(f"the residual branch at {where} ({main}) is no ShaResNet's")
    if side.word not in shortcuts:
        raise ArchitectureError(f"the shortcut at {where} ({side}) is no ShaResNet's")
    kind, names = known[word]
    layers = [
        *zip(names.split(), nodes, strict=True),
        *zip(shortcuts[side.word].split(), side.nodes, strict=True),
    ]
    named = tuple((name, node.layer) for name, node in layers)
    return Block(kind, where, named, side, whole, bool(head))
