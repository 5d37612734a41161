"""From modules to the expressions that make them."""

from __future__ import annotations

import dataclasses
import inspect
import keyword
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from t7convert.errors import ConversionError, Problem
from t7convert.export.source.arguments import UnknownArgumentError, arguments, class_of
from t7convert.export.source.calls import Arg, Call, Expr, Literal
from t7convert.export.source.classes import Definition, Statement, subclass
from t7convert.export.source.graph import forward_lines, spoken
from t7convert.export.source.library import PACKAGE, Import, Library
from t7convert.nn.graph import GraphModule

#: Constants of more elements than that would drown the code.
MOST_ELEMENTS = 4096


def refuse(what: object, name: str, reason: str) -> ConversionError:
    """Return the error that names a module of the network."""
    typename = what if isinstance(what, str) else type(what).__name__
    return ConversionError([Problem(typename, name, f"{reason}, so it has no source")])


@dataclass
class Modules:
    """Makes expressions of modules; collects the classes and library definitions they need."""

    library: Library
    definitions: list[Definition] = field(default_factory=list)

    def root(self, network: nn.Module, name: str, doc: str) -> Definition:
        """Return the class of the whole network."""
        if isinstance(network, GraphModule):
            return self._graph(network, name, "", doc)
        made = self.module(network, "")
        return subclass(name, made, doc)

    def module(self, module: nn.Module, name: str) -> Call:
        """Return the call that makes a module.

        Raises:
            ConversionError: naming the module that can't be expressed.
        """
        kind = class_of(module)
        if kind is GraphModule:
            return self._graph_call(module, name)
        args: list[Arg] = []
        names = {id(child): own for own, child in module._modules.items()}
        if "".join(module._modules) and isinstance(module, nn.Sequential):
            _require_numbered(module, name)
        try:
            for given in arguments(module):
                below = f"{name}." if name else ""
                path = below + names.get(id(given.value), given.name)
                value = self.value(given.value, path)
                args.append(Arg(given.name, value, given.keyword, given.default))
        except UnknownArgumentError as error:
            reason = f"it doesn't tell what {error} it was made with"
            raise refuse(kind.__name__, name, reason) from error
        return Call(self._class(kind, name), tuple(args), module=True)

    def _class(self, kind: type, name: str) -> str:
        if (
            kind.__module__.startswith("torch.nn.modules.")
            and getattr(nn, kind.__name__, None) is kind
        ):
            return f"nn.{kind.__name__}"
        return self._ours(kind, name)

    def _ours(self, thing: Any, name: str) -> str:
        """Return the name of a class or function of our package, which the source then holds."""
        if not thing.__module__.startswith(f"{PACKAGE}.") or "." in thing.__qualname__:
            reason = f"{thing.__module__}.{thing.__qualname__} is neither torch's nor t7convert's"
            raise refuse(thing.__name__, name, reason)
        return self.library.require((thing.__module__, thing.__qualname__))

    def value(self, value: Any, name: str) -> Expr:
        """Return the expression of any value that a constructor takes."""
        if isinstance(value, nn.Module):
            return self.module(value, name)
        if isinstance(value, Tensor):
            return self._tensor(value, name)
        if value is None or isinstance(value, (bool, int, str)):
            return Literal(_quoted(value) if isinstance(value, str) else repr(value))
        if isinstance(value, float):
            return Literal(_number(value))
        if isinstance(value, torch.dtype):
            return Literal(str(value))
        if isinstance(value, (list, tuple)):
            args = tuple(Arg("", self.value(item, f"{name}[{i}]")) for i, item in enumerate(value))
            plain = [arg.value.text for arg in args if isinstance(arg.value, Literal)]
            flat = len(plain) == len(args) and not any("[" in t or "(" in t for t in plain)
            call = Call("", args, "[]" if isinstance(value, list) else "()")
            if not args or (flat and len(args) <= 4):
                inner = ", ".join(plain) + ("," if call.brackets == "()" and len(args) == 1 else "")
                return Literal(call.brackets[0] + inner + call.brackets[1])
            return call
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
            made = tuple(Arg(n, self.value(v, f"{name}.{n}"), True) for n, v in fields)
            return Call(self._ours(type(value), name), made)
        if isinstance(value, Mapping) and all(_is_word(key) for key in value):
            pairs = tuple(Arg(k, self.value(v, f"{name}.{k}"), True) for k, v in value.items())
            return Call("dict", pairs) if pairs else Literal("{}")
        return Literal(self._callable(value, name))

    def _callable(self, value: Any, name: str) -> str:
        known = getattr(value, "__name__", "")
        if known and getattr(torch, known, None) is value:
            return f"torch.{known}"
        if known and getattr(F, known, None) is value:
            self.library.imports.add(Import("torch.nn", "functional", "F"))
            return f"F.{known}"
        if inspect.isfunction(value) or inspect.isclass(value):
            return self._ours(value, name)
        raise refuse(value, name, "no Python expression for this value is known")

    def _tensor(self, tensor: Tensor, name: str) -> Expr:
        if tensor.numel() > MOST_ELEMENTS:
            reason = f"a constant of {tensor.numel():,} elements is no code"
            raise refuse("Tensor", name, reason)
        values = self.value(tensor.tolist(), name)
        dtype = Arg("dtype", Literal(str(tensor.dtype)), keyword=True)
        usual = torch.get_default_dtype() if tensor.is_floating_point() else torch.int64
        data = Arg("data", values)
        args = (data,) if tensor.dtype == usual and tensor.numel() else (data, dtype)
        return Call("torch.tensor", args)

    def _graph_call(self, module: Any, name: str) -> Call:
        made = self._graph(module, "Graph", name, "A graph of modules, node by node.")
        texts = {d.render().replace(d.name, "", 1): d.name for d in self.definitions}
        same = texts.get(made.render().replace(made.name, "", 1))
        if same is None:
            made.name = same = unused("Graph", self.library.taken)
            self.definitions.append(made)
        return Call(same, module=True)

    def _graph(self, module: GraphModule, kind: str, name: str, doc: str) -> Definition:
        statements = [Statement("super().__init__()")]
        for own, child in module._modules.items():
            if child is not None and spoken(child):
                path = f"{name}.{own}" if name else own
                if not _is_word(own):
                    raise refuse(child, path, f"{own!r} is no attribute's name")
                statements.append(Statement(f"self.{own} = ", self.module(child, path)))
        return Definition(kind, "nn.Module", doc, statements, forward=forward_lines(module))


def unused(name: str, taken: set[str]) -> str:
    """Return the name, or the name with a number, and take it."""
    own, number = name, 2
    while own in taken:
        own, number = f"{name}{number}", number + 1
    taken.add(own)
    return own


def _require_numbered(module: nn.Module, name: str) -> None:
    if list(module._modules) != [str(i) for i in range(len(module._modules))]:
        names: Sequence[str] = list(module._modules)
        raise refuse(module, name, f"its children are named {', '.join(names)}")


def _is_word(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'


def _quoted(text: str) -> str:
    single = repr(text)
    return single if '"' in text or "\\" in single else f'"{text}"'
