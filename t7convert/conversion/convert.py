"""From the module tree to the network: runs the converters and binds the tensors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from t7convert.conversion import layers
from t7convert.conversion.bindings import Binder, Origin, Reader, Record, read_region
from t7convert.conversion.going_back import way_back
from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converter_for
from t7convert.errors import ConversionError, Problem
from t7convert.lua.aliasing import RESTORING, is_in_place
from t7convert.lua.backward import writes_seen
from t7convert.lua.indices import recorded_poolings
from t7convert.lua.overwriting import Overwrites, overwrites
from t7convert.lua.reuse import UNFOLDING, reused, reused_in_place
from t7convert.lua.tree import LuaModule, walk
from t7convert.nn.inplace import Copied, Overwriting, copy_input, keep_input
from t7convert.nn.missing import MissingModule
from t7convert.nn.remembered import remember_gradients
from t7convert.nn.reuse import Keeps, reuse_outputs

__all__ = ["Binding", "Conversion", "Converted", "convert_tree", "layers"]


@dataclass(frozen=True)
class Binding:
    """One row of the key map: a Lua tensor and the state_dict entry that it became."""

    path: str
    key: str
    record: Record


@dataclass(frozen=True)
class Converted:
    """A network, the tree it came from, and how the two hang together.

    Attributes:
        network: in evaluation mode.
        tree: the Lua module tree.
        bindings: one row per state_dict entry that came from the file.
        modules: Lua path of a module → the names of the submodules that compute it.
        architecture: ``generic`` or the name of the recognised family.
        reason: why the network was not recognised, where it was not.
    """

    network: nn.Module
    tree: LuaModule
    bindings: tuple[Binding, ...]
    modules: dict[str, tuple[str, ...]]
    architecture: str = "generic"
    reason: str = ""
    records: tuple[Record, ...] = ()
    origins: Mapping[int, Origin] = field(default_factory=dict)

    def named(self, architecture: str) -> Converted:
        """Return the same with the family's name."""
        return replace(self, architecture=architecture)

    def with_reason(self, reason: str) -> Converted:
        """Return the same with the reason why the network is of no known family."""
        return replace(self, reason=reason)

    def ties(self) -> list[list[str]]:
        """Return the groups of state_dict keys that are one tensor."""
        return ties(self.network)


def ties(network: nn.Module) -> list[list[str]]:
    """Return the groups of state_dict keys that lie on one storage, in state_dict order."""
    groups: dict[int, list[str]] = {}
    for key, tensor in network.state_dict(keep_vars=True).items():
        if isinstance(tensor, Tensor):
            groups.setdefault(id(tensor), []).append(key)
    return [keys for keys in groups.values() if len(keys) > 1]


@dataclass
class Conversion:
    """One run of the converters over a tree."""

    allow_missing: bool = False
    binder: Binder = field(default_factory=Binder)
    problems: list[Problem] = field(default_factory=list)
    overwriting: Overwrites = field(default_factory=Overwrites)
    recording: frozenset[int] = frozenset()
    reuses: bool = False
    remembers: bool = False
    _memo: dict[int, nn.Module] = field(default_factory=dict)
    _sources: list[tuple[LuaModule, nn.Module]] = field(default_factory=list)

    def convert(self, module: LuaModule) -> nn.Module:
        """Return the PyTorch module of ``module``, the same one for the same Lua object."""
        made = self._memo.get(id(module))
        if made is None:
            made = self._in_place(module, self._make(module))
            self._memo[id(module)] = made
            self._sources.append((module, made))
        return made

    def _in_place(self, module: LuaModule, made: nn.Module) -> nn.Module:
        """Let ``made`` overwrite its input, or give memory of its own, where that can be seen."""
        if id(module) in self.overwriting.visible:
            return Overwriting(
                made,
                restoring=module.spec.typename in RESTORING,
                late=id(module) in self.overwriting.late,
            )
        if module.spec.typename in UNFOLDING and id(module) in self.overwriting.readers:
            made.register_forward_pre_hook(keep_input)
        return Copied(made) if id(module) in self.overwriting.copies else made

    def reads_overwritten(self, module: LuaModule) -> bool:
        """Tell whether what ``module`` reads or makes may be overwritten before its backward."""
        return self.reuses or id(module) in self.overwriting.readers

    def overwrites(self, module: LuaModule) -> bool:
        """Tell whether somebody else can see that ``module`` overwrites its input."""
        return id(module) in self.overwriting.visible

    def records(self, module: LuaModule) -> bool:
        """Tell whether an unpooling asks ``module`` for its indices."""
        return id(module) in self.recording

    def adopt(self, module: LuaModule, made: nn.Module) -> None:
        """Record that ``made`` computes ``module``, for networks built another way."""
        self._sources.append((module, made))

    def _make(self, module: LuaModule) -> nn.Module:
        reason = _obstacle(module)
        if not reason:
            convert = converter_for(module.spec.name) or converter_for(module.typename)
            if convert is None:
                reason = "there is no converter for this class"
            else:
                try:
                    with torch.device("meta"):
                        return convert(Layer(module, self))
                except ConversionError as error:
                    self.problems.extend(error.problems)
                    return MissingModule(
                        module.typename, module.path, str(error.problems[0].reason)
                    )
        self.problems.append(Problem(module.typename, module.path, reason))
        for _, child in module.children():  # what is missing below is listed too
            self.convert(child)
        return MissingModule(module.typename, module.path, reason)

    def finish(self, root: LuaModule, network: nn.Module, read: Reader | None) -> Converted:
        """Bind the tensors and check that nothing was dropped.

        Raises:
            ConversionError: listing everything that can't be converted.
        """
        if not self.problems:
            self._check_all_bound(root)
        if self.problems:
            if not self.allow_missing:
                raise ConversionError(self.problems)
            for problem in self.problems:
                warnings.warn(f"not converted: {problem}", stacklevel=3)
        self.binder.materialise(read)
        self._check_no_meta(network)
        network.eval()
        self._reuse(root, network)
        names: dict[int, list[str]] = {}
        for name, child in network.named_modules(remove_duplicate=False):
            names.setdefault(id(child), []).append(name)
        modules: dict[str, tuple[str, ...]] = {}
        for lua, made in self._sources:
            if id(made) in names:
                modules[lua.path] = tuple(names[id(made)])
        return Converted(
            network,
            root,
            tuple(self._rows(network, names)),
            modules,
            records=tuple(self.binder.records),
            origins=self.binder.origins,
        )

    def _reuse(self, root: LuaModule, network: nn.Module) -> None:
        """Let modules that stand at several places keep from call to call what Lua's keep."""
        kinds: dict[Keeps, list[LuaModule]] = {"output": [], "unfolded": []}
        for module in reused(root):
            kinds["unfolded" if module.spec.typename in UNFOLDING else "output"].append(module)
        kinds["object"] = reused_in_place(root)
        for keeps, modules in kinds.items():
            made = [self._memo[id(m)] for m in modules if id(m) in self._memo]
            reuse_outputs(network, made, keeps)
        if self.remembers and not self.problems:
            remember_gradients(network, way_back(root, self._memo))

    def _rows(self, network: nn.Module, names: dict[int, list[str]]) -> Iterator[Binding]:
        keys = network.state_dict(keep_vars=True)
        for record in self.binder.records:
            for prefix in names.get(id(record.module), ()):
                stem = f"{prefix}." if prefix else ""
                for name in (record.name, f"parametrizations.{record.name}.original"):
                    if stem + name in keys:
                        yield Binding(record.path, stem + name, record)

    def _check_all_bound(self, root: LuaModule) -> None:
        bound = {(record.path, record.field) for record in self.binder.records}
        converted = {id(lua) for lua, _ in self._sources}
        for module in walk(root):
            if id(module) in converted:
                for name, _ in module.tensors(module.spec.parameters):
                    if (module.path, name) not in bound:
                        reason = f"its parameter {name} has no place in the converted module"
                        self.problems.append(Problem(module.typename, module.path, reason))

    def _check_no_meta(self, network: nn.Module) -> None:
        sources = {id(made): lua for lua, made in self._sources}
        for name, child in network.named_modules():
            tensors = {**child._parameters, **child._buffers}
            for key, tensor in tensors.items():
                if tensor is None or not tensor.is_meta:
                    continue
                if key == "num_batches_tracked":  # torch counts batches, Lua doesn't
                    child._buffers[key] = torch.zeros((), dtype=torch.long)
                else:
                    lua = sources.get(id(child))
                    where = f"{name}.{key}" if name else key
                    reason = f"nothing in the file gives the network's {where} its values"
                    typename, path = (lua.typename, lua.path) if lua else ("conversion", name)
                    raise ConversionError([Problem(typename, path, reason)])


def _obstacle(module: LuaModule) -> str:
    """Say what in the module itself prevents any conversion, or return ''."""
    if module.overridden:
        names = ", ".join(module.overridden)
        return f"the file overrides its {names} by a Lua function, which is never executed"
    if module.strange:
        return f"its field {module.strange[0]} holds a module that the class doesn't know"
    if module.missing:
        return "the file lacks the field " + ", ".join(module.missing)
    return ""


def convert_tree(
    root: LuaModule, *, allow_missing: bool = False, read: Reader | None = read_region
) -> Converted:
    """Convert a module tree; ``read=None`` makes the network's shapes only.

    Raises:
        ConversionError: listing everything that can't be converted.
    """
    overwriting, remembers = overwrites(root), writes_seen(root)
    if remembers:  # who writes in place, writes its gradient in place
        in_place = frozenset(id(module) for module in walk(root) if is_in_place(module))
        overwriting = replace(
            overwriting, visible=overwriting.visible | in_place, of_input=bool(in_place)
        )
    conversion = Conversion(
        allow_missing,
        overwriting=overwriting,
        recording=recorded_poolings(root),
        reuses=bool(reused(root) or reused_in_place(root)),
    )
    network = conversion.convert(root)
    if conversion.overwriting.of_input:
        network.register_forward_pre_hook(copy_input)
    conversion.remembers = remembers
    return conversion.finish(root, network, read)
