"""A plugin skeleton for the classes of a file that have no converter."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from t7convert.format.objects import LuaFunction, LuaStorage, LuaTensor
from t7convert.lua.tree import LuaModule

_HEAD = '''"""Converters for classes of {source} that t7convert doesn't know.

Fill in each forward, then: t7convert to-pytorch {source} out.pt --plugin {plugin}
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from t7convert import converts
'''

_CLASS = '''

class {python}(nn.Module):
    """{typename}; the first one stands at {path}.

{fields}
    """

    def __init__(self, {arguments}) -> None:
        super().__init__()
{inits}

    def forward(self, input: Any) -> Any:
        # {typename}:updateOutput(input) of the Lua source goes here
        raise RuntimeError("{typename} has no forward yet")


@converts({name!r}{row})
def {function}(m: Any) -> {python}:
    module = {python}({values})
{binds}    return module
'''


def skeleton(source: str, plugin: str, modules: Iterable[LuaModule]) -> str:
    """Return the text of a plugin with one class and one converter per Lua class.

    ``modules`` are modules without a converter; several of one class give one skeleton, from the
    first of them.
    """
    first: dict[str, LuaModule] = {}
    for module in modules:
        first.setdefault(module.typename, module)
    taken: set[str] = set()
    parts = [_HEAD.format(source=source, plugin=plugin)]
    parts += [_skeleton(module, taken) for module in first.values()]
    return "".join(parts)


def _skeleton(module: LuaModule, taken: set[str]) -> str:
    spec, fields = module.spec, module.fields
    python = _unique(_camel(module.typename), taken)
    state = [name for name, _ in module.tensors(spec.tensors)]
    constants = [name for name in spec.constants if _is_plain(fields.get(name))]
    children = [name for name in spec.children if name in fields]
    arguments, inits, values, binds = [], [], [], []
    for name in state:
        attribute = _identifier(name)
        arguments.append(f"{attribute}_shape: tuple[int, ...]")
        made = f"torch.empty({attribute}_shape)"
        if name in spec.parameters:
            inits.append(f"self.{attribute} = nn.Parameter({made})")
        else:
            inits.append(f"self.register_buffer({attribute!r}, {made})")
        values.append(f"m.shape({name!r})")
        binds.append(f"m.bind({name!r}, module, {attribute!r})")
    for name in constants:
        arguments.append(f"{_identifier(name)}: {type(fields[name]).__name__}")
        inits.append(f"self.{_identifier(name)} = {_identifier(name)}")
        values.append(f"m.get({name!r})")
    for name in children:
        several = isinstance(fields[name], list)
        kind = "list[nn.Module]" if several else "nn.Module"
        arguments.append(f"{_identifier(name)}: {kind}")
        value = f"nn.ModuleList({_identifier(name)})" if several else _identifier(name)
        inits.append(f"self.{_identifier(name)} = {value}")
        values.append(f"m.{'children' if several else 'child'}({name!r})")
    row = {
        "parameters": " ".join(n for n in state if n in spec.parameters),
        "statistics": " ".join(n for n in state if n in spec.statistics),
        "children": " ".join(children),
        "constants": {name: fields[name] for name in constants},
    }
    return _CLASS.format(
        python=python,
        typename=module.typename,
        path=module.path or "the root",
        fields="\n".join(f"    {line}" for line in _describe(module)) or "    No fields.",
        arguments=", ".join(arguments) or "*args: Any",
        inits="\n".join(f"        {line}" for line in inits) or "        # nothing to keep",
        name=module.typename,
        row="".join(f", {key}={value!r}" for key, value in row.items() if value),
        function=_unique(_snake(python), taken),
        values=", ".join(values),
        binds="".join(f"    {line}\n" for line in binds),
    )


def _describe(module: LuaModule) -> list[str]:
    lines = []
    raw = module.raw.payload if module.raw is not None else module.fields
    for name in raw:
        value = raw[name]
        if isinstance(value, LuaTensor):
            text = f"{value.typename} {'x'.join(map(str, value.size)) or 'empty'}"
        elif isinstance(value, LuaStorage):
            text = f"{value.typename} of {value.size}"
        elif isinstance(value, LuaFunction):
            text = "a Lua function"
        else:
            text = repr(value)[:60]
        lines.append(f"{name}: {text}".replace("\\", "/").replace('"""', "'''"))
    return lines


def _is_plain(value: object) -> bool:
    return isinstance(value, (bool, int, float, str))


def _identifier(name: str) -> str:
    word = re.sub(r"\W", "_", name)
    if not word or word[0].isdigit() or keyword.iskeyword(word):
        word = f"field_{word}"
    return word


def _camel(typename: str) -> str:
    words = re.split(r"\W+", typename.rpartition(".")[2])
    return _identifier("".join(word[:1].upper() + word[1:] for word in words))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _unique(name: str, taken: set[str]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}{number}"
    taken.add(candidate)
    return candidate
