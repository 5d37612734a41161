"""Statements after the modules are made: what is one object, and the hooks of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from t7convert.export.source.calls import render
from t7convert.export.source.classes import Statement
from t7convert.export.source.library import Import
from t7convert.export.source.modules import Modules, refuse
from t7convert.nn.inplace import copy_input, keep_input
from t7convert.nn.remembered import of_lua_gradients
from t7convert.nn.reuse import Keeps, OutputBuffer

#: So many assignments that differ in one index become a loop.
LOOP = 3
_MARK = ".parametrizations."

Steps = tuple[str, ...]


def finishing(network: nn.Module, modules: Modules) -> Iterator[Statement]:
    """Iterate over the statements that tie the tensors and hang the hooks in."""
    for lines in [*_same_modules(network), *_ties(network, modules), *_hooks(network, modules)]:
        yield Statement(lines)


def place(network: nn.Module, name: str, own: str = "self") -> str:
    """Return the expression of a submodule or tensor of ``network`` by its dotted name."""
    text, module = own, network
    for step in name.split(".") if name else []:
        numbered = isinstance(module, (nn.Sequential, nn.ModuleList)) and step.isdigit()
        text += f"[{step}]" if numbered else f".{step}"
        module = module._modules.get(step) or module
    return text


def _same_modules(network: nn.Module) -> Iterator[str]:
    for name, first in _aliases(network):
        yield f"{place(network, name)} = {place(network, first)}"


def _aliases(network: nn.Module) -> Iterator[tuple[str, str]]:
    """Iterate over the names of modules that stand elsewhere too, with their first name."""
    seen: dict[int, str] = {}
    passed: list[str] = []
    for name, module in network.named_modules(remove_duplicate=False):
        if any(name.startswith(f"{before}.") for before in passed) or _MARK in f".{name}.":
            continue
        if id(module) in seen:
            passed.append(name)
            yield name, seen[id(module)]
        else:
            seen[id(module)] = name


def _ties(network: nn.Module, modules: Modules) -> Iterator[str]:
    groups: dict[int, list[tuple[str, Tensor]]] = {}
    for name, module in network.named_modules():
        for own, tensor in [*module._parameters.items(), *module._buffers.items()]:
            if tensor is not None:
                key = f"{name}.{own}" if name else own
                groups.setdefault(id(tensor), []).append((key, tensor))
    for group in groups.values():
        yield from _tie(network, [key for key, _ in group], group[0][1], modules)


def _tie(network: nn.Module, keys: Sequence[str], base: Tensor, modules: Modules) -> Iterator[str]:
    """Tie the places of one tensor; some see it through a parametrisation."""
    plain = [key for key in keys if _MARK not in f".{key}"]
    seen = [key for key in keys if _MARK in f".{key}" and key.endswith(".original")]
    if not seen:
        yield from _assignments(network, plain)
        return
    if plain:
        yield from _assignments(network, plain)
        source = place(network, plain[0])
    else:
        source = "base"
        yield f"base = nn.Parameter(torch.empty({tuple(base.shape)}))"
        modules.library.imports.add(Import("torch"))
    for key in seen:
        owner, rest = f".{key}".split(_MARK)
        owner, name = owner.removeprefix("."), rest.split(".")[0]
        module = network.get_submodule(owner)
        here = place(network, owner)
        views = getattr(module.parametrizations, name)
        if len(views) != 1:
            raise refuse(module, owner, f"its {name} has {len(views)} parametrisations")
        yield f"{here}.{name} = {source}"
        modules.library.imports.add(Import("torch.nn.utils", "parametrize"))
        view = render(modules.module(views[0], key))
        line = f'parametrize.register_parametrization({here}, "{name}", {view}, unsafe=True)'
        if len(line) + 8 > 100:
            parts = (here, f'"{name}"', view, "unsafe=True")
            inner = "".join(f"    {part},\n" for part in parts)
            line = f"parametrize.register_parametrization(\n{inner})"
        yield line


def _assignments(network: nn.Module, keys: Sequence[str]) -> Iterator[str]:
    first, *rest = keys
    source = place(network, first)
    for run in _runs([tuple(key.split(".")) for key in rest]):
        varying = _varying(run)
        if len(run) < LOOP or varying is None:
            for steps in run:
                yield _assignment(place(network, ".".join(steps)), source)
            continue
        mark = "\0"
        parts = [place(network, ".".join(run[0][:n])) for n in (varying, varying + 1)]
        whole = place(network, ".".join(run[0]))
        target = parts[0] + mark + whole[len(parts[1]) :]
        low, high = int(run[0][varying]), int(run[-1][varying]) + 1
        line = _assignment(target.replace(mark, "[i]"), source)
        body = "\n".join(f"    {part}" for part in line.splitlines())
        yield f"for i in range({low}, {high}):\n{body}"


def _assignment(target: str, source: str) -> str:
    return f"{target} = {source}"


def _runs(paths: Sequence[Steps]) -> Iterator[list[Steps]]:
    """Split into runs that differ in one number, which counts up by one."""
    run: list[Steps] = []
    for path in paths:
        if run and _varying([*run, path]) is None:
            yield run
            run = []
        run.append(path)
    if run:
        yield run


def _varying(run: Sequence[Steps]) -> int | None:
    """Return the position of the only step that varies, if it counts."""
    if len({len(path) for path in run}) != 1:
        return None
    columns = list(zip(*run, strict=True))
    varying = [i for i, column in enumerate(columns) if len(set(column)) > 1]
    if len(varying) != 1 or not all(step.isdigit() for step in columns[varying[0]]):
        return None
    numbers = [int(step) for step in columns[varying[0]]]
    counts = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return varying[0] if counts else None


def _hooks(network: nn.Module, modules: Modules) -> Iterator[str]:
    buffers: dict[Keeps, list[str]] = {}
    if any(map(of_lua_gradients, network._forward_hooks.values())):
        yield "# Torch7 writes gradients of this network over one another; here they are autograd's"
    for name, module in network.named_modules():
        hooks = list(module._forward_hooks.values()) + list(module._forward_pre_hooks.values())
        for hook in hooks:
            if isinstance(hook, OutputBuffer):
                buffers.setdefault(hook.keeps, []).append(place(network, name))
            elif (hook is copy_input and module is network) or hook is keep_input:
                own = modules.library.require(("t7convert.nn.inplace", hook.__name__))
                yield f"{place(network, name)}.register_forward_pre_hook({own})"
            elif not isinstance(getattr(hook, "__self__", None), OutputBuffer) and not (
                of_lua_gradients(hook)
            ):
                raise refuse(module, name, "it has a hook of another's making")
    for keeps, places in buffers.items():
        name = modules.library.require(("t7convert.nn.reuse", "reuse_outputs"))
        kind = "" if keeps == "output" else f', "{keeps}"'
        yield f"{name}(self, [{', '.join(places)}]{kind})"
