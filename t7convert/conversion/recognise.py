"""Recognise the ShaResNets and their originals in a module tree, and bind it to ``models``.

The graph decides: which layers follow each other, with which geometry, and which tensors are one
memory. Class names may be nn's or cudnn's; parameters may lie in one storage or in many. A network
is recognised only if the definition, built from what was read, has exactly the graph's layers,
shapes and ties; else the ``ArchitectureError`` says what differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from t7convert import paths
from t7convert.conversion.bindings import Binder
from t7convert.conversion.layer import Layer
from t7convert.conversion.residual_facts import facts_of
from t7convert.conversion.residual_graph import chain_of, place
from t7convert.conversion.residual_layers import bind_layer, require_view
from t7convert.conversion.residual_options import (
    Part,
    build,
    containers_of,
    options_of,
    parts_of,
    require_shortcuts,
    stages_of,
)
from t7convert.errors import ArchitectureError, ConversionError
from t7convert.lua.reuse import reused, reused_in_place
from t7convert.lua.sharing import Geometry, regions
from t7convert.lua.tree import LuaModule
from t7convert.residual import StagedNetwork
from t7convert.residual.shortcuts import PadShortcut

_SHOWN = 3


@dataclass(frozen=True)
class Recognition:
    """A network of ``models`` for a module tree: on the meta device, its tensors bound.

    Attributes:
        network: the network; ``binder.materialise`` gives it its values.
        binder: the bindings, in Lua's order of parameters.
        sources: the Lua modules that one submodule of the network computes, with that submodule;
            the root, stages, blocks, shortcuts and all layers with a module of their own.
    """

    network: StagedNetwork
    binder: Binder
    sources: tuple[tuple[LuaModule, nn.Module], ...]


@dataclass
class _Trial:
    """Lets layers bind without a conversion: a network that is refused leaves nothing behind."""

    binder: Binder = field(default_factory=Binder)

    def convert(self, module: LuaModule) -> nn.Module:
        raise ArchitectureError(f"{place(module)} is no layer of a ShaResNet")

    def adopt(self, module: LuaModule, made: nn.Module) -> None:
        raise ArchitectureError(f"{place(module)} is no layer of a ShaResNet")

    def reads_overwritten(self, module: LuaModule) -> bool:
        return False

    def overwrites(self, module: LuaModule) -> bool:
        return False  # in these graphs, what works in place works on what only it sees

    def records(self, module: LuaModule) -> bool:
        return False  # nothing in these graphs unpools


def recognise(root: LuaModule) -> Recognition:
    """Return the network of ``models`` that the tree below ``root`` is.

    Raises:
        ArchitectureError: if it is none; the message says where it differs.
    """
    trial = _Trial()
    try:
        return _recognise(root, trial)
    except ArchitectureError:
        raise
    except ConversionError as error:
        raise ArchitectureError(str(error.problems[0])) from error
    except ValueError as error:  # the definition's own checks
        raise ArchitectureError(str(error)) from error


def _recognise(root: LuaModule, trial: _Trial) -> Recognition:
    chain = chain_of(root, lambda module: Layer(module, trial))
    facts = facts_of(chain)
    stages = stages_of(facts)
    parts = list(parts_of(facts, stages))
    ties = _ties(parts)
    # Without a tie nothing is shared, and a convolution alone in its stage has no partner.
    network = build(facts, {**options_of(facts, stages), "shared": bool(ties)})
    require_shortcuts(network, stages)
    _require_ties(network, ties, dict(parts))
    # Calls of one module object overwrite each other's output, which no definition does.
    for again in (*reused(root), *reused_in_place(root)):
        raise ArchitectureError(f"{place(again)} stands in several places, with one output there")
    sources = [(root, network), *containers_of(chain, stages, network)]
    for name, layer in parts:
        module = network.get_submodule(name)
        bind_layer(module, layer)
        # A block calls its one ReLU several times; a padding takes what its pooling takes.
        if not isinstance(module, (nn.ReLU, PadShortcut)):
            sources.append((layer.module, module))
    require_view(facts.view, network.fc.in_features)
    return Recognition(network, trial.binder, tuple(sources))


def _ties(parts: Sequence[Part]) -> set[frozenset[str]]:
    """Return the groups of tensors, named as in the state_dict, that are one memory.

    Raises:
        ArchitectureError: if tensors overlap without being the same.
    """
    views = [
        (id(tensor.storage), Geometry.of(tensor), f"{name}.{field_name}")
        for name, layer in parts
        for field_name, tensor in layer.module.tensors(layer.module.spec.tensors)
    ]
    found = set()
    for region in regions(views):
        keys = frozenset(key for _, key in region.members)
        if not region.uniform:
            raise ArchitectureError(f"{_places(keys, dict(parts))} overlap but are not the same")
        if len(keys) > 1:
            found.add(keys)
    return found


def _require_ties(
    network: StagedNetwork, found: set[frozenset[str]], layers: Mapping[str, Layer]
) -> None:
    expected = {frozenset(group) for group in network.ties()}
    for keys in sorted(found - expected, key=sorted):
        places = _places(keys, layers)
        raise ArchitectureError(f"{places} are one tensor, which is not how the definition shares")
    for keys in sorted(expected - found, key=sorted):
        places = _places(keys, layers)
        raise ArchitectureError(f"{places} are one tensor in the definition and not in this file")


def _places(keys: Iterable[str], layers: Mapping[str, Layer]) -> str:
    split = [key.rpartition(".") for key in sorted(keys)]
    names = [paths.join(layers[module].path, tensor) for module, _, tensor in split]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
