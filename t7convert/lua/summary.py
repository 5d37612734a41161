"""What a file holds, for people and programs: the tree, parameters, ties, bytes, the rest."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from t7convert import paths
from t7convert.format import T7File
from t7convert.format.objects import LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua import find
from t7convert.lua.bytes_of import Bytes, byte_roles
from t7convert.lua.counting import Counts, count, parameter_regions
from t7convert.lua.tree import LuaModule, build, fields_of, is_module, walk

#: The version of the ``--json`` schema, raised when a field changes its meaning or goes away.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class TensorRow:
    """A parameter or statistic of a module; ``tie`` numbers the group it belongs to, from 1."""

    name: str
    type: str
    shape: list[int]
    role: str
    tie: int | None = None


@dataclass(frozen=True)
class NodeRow:
    """A node of a graph (nngraph), in order of execution.

    Attributes:
        name: its annotation, or ``node`` and its number.
        module: the path of the module that it runs; empty for a node that passes on.
        inputs: the numbers of the nodes that feed it, from 1.
        select: the entry of its input that it passes on; null for all of it.
    """

    name: str
    module: str
    inputs: list[int]
    select: int | None = None


@dataclass(frozen=True)
class ModuleRow:
    """A module of a network, in the order of the tree.

    ``again`` says that this object stood earlier in the tree too; its children are not repeated.
    ``nodes`` is the wiring of a graph.
    """

    path: str
    typename: str
    depth: int
    known: bool
    geometry: str
    tensors: list[TensorRow] = field(default_factory=list)
    again: bool = False
    nodes: list[NodeRow] = field(default_factory=list)


@dataclass(frozen=True)
class TieRow:
    """Parameters that lie on common memory; ``uniform`` if all see it in the same way."""

    number: int
    uniform: bool
    values: int
    members: list[str]


@dataclass(frozen=True)
class NetworkSummary:
    """One network of the file."""

    path: str
    typename: str
    parameters: Counts
    ties: list[TieRow]
    unknown: list[str]
    modules: list[ModuleRow]


@dataclass(frozen=True)
class Summary:
    """What a file holds. ``to_json`` gives plain data; docs/inspect.md tells its schema."""

    file: str
    encoding: str
    size: int
    objects: int
    root: str
    networks: list[NetworkSummary]
    bytes: Bytes
    functions: list[str]
    beside: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain dicts, lists, numbers and strings."""
        return {"schema": SCHEMA_VERSION, **asdict(self)}


def summarise(root: Any, file: T7File | None, select: str | None = None) -> Summary:
    """Return the summary of an object graph; of the network at ``select`` only, if given."""
    models = [find.model(root, select)] if select is not None else find.models(root)
    networks = [network_summary(build(obj, path)) for path, obj in models]
    roles = byte_roles(root, file.size if file else 0)
    return Summary(
        file=file.name if file else "<object>",
        encoding=str(file.encoding) if file else "",
        size=file.size if file else 0,
        objects=file.count if file else 0,
        root=describe(root),
        networks=networks,
        bytes=roles.bytes,
        functions=roles.functions,
        beside=_beside(root, [path for path, _ in models]),
    )


def network_summary(tree: LuaModule) -> NetworkSummary:
    """Return the summary of one network: its modules, parameters and ties."""
    ties: list[TieRow] = []
    number_of: dict[str, int] = {}
    for region in parameter_regions(tree):
        members = list(dict.fromkeys(member for _, member in region.members))
        if len(members) > 1:
            ties.append(TieRow(len(ties) + 1, region.uniform, region.numel, members))
            number_of.update(dict.fromkeys(members, len(ties)))
    unknown = sorted({m.typename for m in walk(tree) if m.spec.derived})
    return NetworkSummary(
        tree.path, tree.typename, count(tree), ties, unknown, _rows(tree, number_of)
    )


def _rows(root: LuaModule, ties: dict[str, int]) -> list[ModuleRow]:
    rows: list[ModuleRow] = []
    seen: set[int] = set()
    stack: list[tuple[LuaModule, str, int]] = [(root, root.path, 0)]
    while stack:
        module, path, depth = stack.pop()
        again = id(module) in seen
        seen.add(id(module))
        rows.append(
            ModuleRow(
                path,
                module.typename,
                depth,
                not module.spec.derived,
                geometry(module),
                [] if again else _tensors(module, ties),
                again,
                [] if again else _nodes(module, path),
            )
        )
        if not again:
            below = [
                (child, paths.join(path, *keys), depth + 1) for keys, child in module.children()
            ]
            stack.extend(reversed(below))
    return rows


def _nodes(module: LuaModule, path: str) -> list[NodeRow]:
    if module.spec.typename != "nn.gModule":
        return []
    return [
        NodeRow(
            str(node["name"]),
            "" if node["module"] is None else paths.join(path, "modules", int(node["module"])),
            [int(number) for number in node["inputs"]],
            None if node["select"] is None else int(node["select"]),
        )
        for node in module.fields.get("nodes") or ()
    ]


def _tensors(module: LuaModule, ties: dict[str, int]) -> list[TensorRow]:
    rows = []
    for role, names in (
        ("parameter", module.spec.parameters),
        ("statistic", module.spec.statistics),
    ):
        for name, tensor in module.tensors(names):
            tie = ties.get(paths.join(module.path, *paths.parse(name)))
            kind = tensor.typename.removeprefix("torch.")
            rows.append(TensorRow(name, kind, list(tensor.size), role, tie))
    return rows


def geometry(module: LuaModule) -> str:
    """Return the plain constants of a module, e.g. ``kW=3 kH=3 dW=1``; defaults left out."""
    words = []
    for name, default in module.spec.constants.items():
        value = module.fields.get(name)
        if isinstance(value, LuaStorage) and value.size <= 8:
            value = "x".join(map(str, value.numpy().tolist()))
        if isinstance(value, (bool, int, float, str)) and value != default:
            words.append(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}")
    return " ".join(words)


def describe(value: Any) -> str:
    """Return a few words for any value of a file."""
    if isinstance(value, LuaTensor):
        return f"{value.typename} {'x'.join(map(str, value.size)) or 'empty'}"
    if isinstance(value, LuaStorage):
        return f"{value.typename} of {value.size}"
    if isinstance(value, LuaTable):
        return f"{'list' if value.is_list() else 'table'} of {len(value)}"
    if isinstance(value, LuaObject):
        return value.typename
    if isinstance(value, LuaFunction):
        return f"Lua function, {len(value.bytecode)} bytes"
    return (
        repr(value) if not isinstance(value, str) or len(value) < 60 else repr(value[:57]) + "..."
    )


def _beside(root: Any, models: list[str]) -> dict[str, str]:
    if isinstance(root, LuaObject) and not is_module(root):  # tds.Hash, a class of somebody's own
        root = fields_of(root)
    if not isinstance(root, LuaTable):
        return {}
    found: dict[str, str] = {}
    for key in root:
        name = paths.join("", key)
        if any(model == name or model.startswith((f"{name}.", f"{name}[")) for model in models):
            continue
        value = root[key]
        found[name] = describe(value)
        if isinstance(value, LuaTable) and 0 < len(value) <= 12:
            found[name] += ": " + ", ".join(
                f"{paths.step(k).lstrip('.')}={describe(value[k])}" for k in value
            )
    return found
