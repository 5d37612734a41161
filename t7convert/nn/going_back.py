"""Lua's way back through a network: gradients by module object, in the memory that Lua has.

Sources: torch/nn Module.lua, Sequential.lua, ConcatTable.lua, ParallelTable.lua, Concat.lua;
nngraph gmodule.lua.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from t7convert.nn.steps import Pass, Step, rebuilt, shapes, tensors


@dataclass(eq=False)
class Held:
    """A tensor object: who holds it sees what it is pointed at, and what is written there.

    Calls at other sizes have objects of their own; in Lua they would change the size of this one.
    """

    tensor: Tensor


#: A Held, or lists of them; None where there is no gradient.
Gradient: TypeAlias = Any


class Walk:
    """One way back; ``gradients`` are those of the parameters, by ``id``."""

    def __init__(self, root: Step, passed: Pass, given: Any) -> None:
        self.root, self.passed, self.given = root, passed, given
        self.gradients: dict[int, Tensor] = {}
        self._found: dict[object, Gradient] = {}
        self._pending: dict[int, list[tuple[Step, Any, Gradient]]] = {}

    def run(self, gradient: Any) -> Any:
        """Return the gradient of the network's input, nested as it is."""
        held = rebuilt(gradient, iter([Held(_fresh(t)) for t in tensors(gradient)]))
        return _values(self._back(self.root, self.given, held, parameters=True))

    def _back(self, step: Step, x: Any, gy: Gradient, *, parameters: bool) -> Gradient:
        """Do ``backward``, or without ``parameters`` ``updateGradInput``."""
        found: Gradient
        if step.kind == "chain":
            for child, given in reversed(self._chain(step, x)):
                gy = self._back(child, given, gy, parameters=parameters)
            found = gy
        elif step.kind == "pairs":
            triples = zip(step.children, x, gy, strict=False)
            found = [
                self._back(child, item, part, parameters=False) for child, item, part in triples
            ]
            found += [_copied(None, _zeros(item)) for item in x[len(found) :]]
        elif step.kind in ("fork", "join"):
            found = self._found.get(id(step))
            for number, (child, part) in enumerate(self._parts(step, gy)):
                made = self._back(child, x, part, parameters=parameters)
                found = _added(found, made) if number else _copied(found, _values(made))
        elif step.kind == "graph":
            found = self._graph(step, gy)
        else:
            found = self._single(step, x, gy, parameters=parameters)
        self._found[id(step)] = found
        if parameters and step.kind in ("pairs", "graph"):
            self._accumulate(step, x, gy)
        return found

    def _accumulate(self, step: Step, x: Any, gy: Gradient) -> None:
        """Do ``accGradParameters``, after ``updateGradInput`` of this module."""
        if step.kind == "chain":
            for child, given in reversed(self._chain(step, x)):
                self._accumulate(child, given, gy)
                gy = self._found[id(child)]
        elif step.kind == "pairs":
            for child, given, part in zip(step.children, x, gy, strict=False):
                self._accumulate(child, given, part)
        elif step.kind in ("fork", "join"):
            for child, part in self._parts(step, gy):
                self._accumulate(child, x, part)
        elif step.kind == "graph":
            for child, given, gradient in self._pending[id(step)]:
                self._accumulate(child, given, gradient)
        elif any(True for _ in step.inner.parameters()):
            self._derivative(step, x, gy, parameters=True)

    def _derivative(self, step: Step, x: Any, gy: Gradient, *, parameters: bool) -> Any:
        """Return the gradient of the input; with ``parameters``, add to theirs."""
        if step.keeps:
            kept = self.passed.kept
            x = kept.get((id(step), shapes(x)), kept[id(step)])
        made = [t.detach().clone().requires_grad_(t.is_floating_point()) for t in tensors(x)]
        owned = [p for p in step.inner.parameters() if p.requires_grad] if parameters else []
        with torch.enable_grad():
            # .forward: the hooks heard of these calls already
            output = step.inner.forward(rebuilt(x, iter([t.clone() for t in made])))
            pairs = [
                (y, g.reshape(y.shape))
                for y, g in zip(tensors(output), tensors(_values(gy)), strict=True)
                if y.requires_grad
            ]
        if step.keeps:
            for y, final in zip(tensors(output), tensors(self._output(step)), strict=True):
                if y.shape == final.shape:
                    y.data.copy_(final)  # backward reads the output as it is now
        sources = [t for t in made if t.requires_grad] + owned
        found: Sequence[Tensor | None] = [None] * len(sources)
        if pairs and sources:
            found = torch.autograd.grad(
                [y for y, _ in pairs], sources, [g for _, g in pairs], allow_unused=True
            )
        by_source = {id(s): g for s, g in zip(sources, found, strict=True) if g is not None}
        for parameter in owned:
            gradient = by_source.get(id(parameter))
            if gradient is not None:
                before = self.gradients.get(id(parameter))
                self.gradients[id(parameter)] = gradient if before is None else before + gradient
        zeros = (by_source.get(id(t), torch.zeros_like(t)).detach() for t in made)
        return rebuilt(x, iter(list(zeros)))

    def _single(self, step: Step, x: Any, gy: Gradient, *, parameters: bool) -> Gradient:
        if step.place == "same":
            return gy
        before = self._found.get(id(step))
        late = parameters and step.place == "own" and _shares(before, gy)
        values = self._derivative(step, x, gy, parameters=parameters and not late)
        if late:  # accGradParameters comes after updateGradInput has written there
            found = self._found[id(step)] = _copied(before, values)
            self._accumulate(step, x, gy)
            return found
        if step.place == "view":
            return Held(gy.tensor.reshape(values.shape))
        if step.place == "over":
            gy.tensor.copy_(values.reshape(gy.tensor.shape))
            if step.restores:
                x.data.copy_(self.passed.kept[id(step)])
            return _pointed(before, gy.tensor)
        if step.place == "spread":
            olds = before if isinstance(before, list) else []
            olds = [*olds, *[None] * (len(values) - len(olds))]
            views = [gy.tensor.reshape(value.shape) for value in values]
            return [_pointed(old, view) for old, view in zip(olds, views, strict=False)]
        return _copied(before, values)

    def _chain(self, step: Step, x: Any) -> list[tuple[Step, Any]]:
        """Return the children with what Lua takes for their input: outputs of last calls."""
        return list(zip(step.children, [x, *map(self._output, step.children[:-1])], strict=True))

    def _output(self, step: Step) -> Any:
        return self.passed.outputs[id(step)]

    def _parts(self, step: Step, gy: Gradient) -> list[tuple[Step, Gradient]]:
        if step.kind == "fork":
            return list(zip(step.children, gy, strict=True))
        sizes = [self._output(child).shape[step.dim] for child in step.children]
        pieces = gy.tensor.split(sizes, step.dim)
        return list(zip(step.children, map(Held, pieces), strict=True))

    def _graph(self, step: Step, gy: Gradient) -> Gradient:
        values = self.passed.values[id(step)]
        given: dict[int, list[Gradient]] = {step.end: [gy]}
        pending: list[tuple[Step, Any, Gradient]] = []
        gradient: Gradient = None
        for number in step.order:
            child, sources, select = step.rows[number]
            parts = [part for part in given.get(number, []) if part is not None]
            gradient = parts[0] if len(parts) == 1 else self._sum((id(step), number), parts)
            if select is not None:
                table = given.setdefault(sources[0], [[None] * len(values[sources[0]])])
                table[0][select] = gradient
                continue
            if child is not None and gradient is not None:
                inputs = [values[source] for source in sources]
                x = inputs[0] if len(inputs) == 1 else inputs
                x = self.passed.inputs[id(step)] if number == step.start else x
                pending.append((step.children[child], x, gradient))
                gradient = self._back(step.children[child], x, gradient, parameters=False)
            if number == step.start:
                break
            for position, source in enumerate(sources):
                single = len(sources) == 1 or gradient is None
                given.setdefault(source, []).append(gradient if single else gradient[position])
        self._pending[id(step)] = pending
        return gradient

    def _sum(self, buffer: object, parts: Sequence[Gradient]) -> Gradient:
        """Add the gradients of a node that several read, in the node's own tensors."""
        total = None
        for number, part in enumerate(parts):
            if number:
                total = _added(total, part)
            else:
                total = _copied(self._found.get(buffer), _values(part))
        self._found[buffer] = total
        return total


def _fresh(values: Tensor) -> Tensor:
    return values.detach().clone(memory_format=torch.contiguous_format)


def _values(gradient: Gradient) -> Any:
    if isinstance(gradient, list):
        return [_values(item) for item in gradient]
    return gradient.tensor if isinstance(gradient, Held) else gradient


def _zeros(value: Any) -> Any:
    return rebuilt(value, iter([torch.zeros_like(tensor) for tensor in tensors(value)]))


def _shares(one: Gradient, other: Gradient) -> bool:
    memory = {t.untyped_storage().data_ptr() for t in tensors(_values(one))}
    return any(t.untyped_storage().data_ptr() in memory for t in tensors(_values(other)))


def _pointed(before: Gradient, memory: Tensor) -> Held:
    """Point a tensor object at other memory."""
    held = before if isinstance(before, Held) else Held(memory)
    held.tensor = memory
    return held


def _copied(before: Gradient, values: Any) -> Gradient:
    """Return the object's own tensors, with these values."""
    if isinstance(values, list):
        olds = before if isinstance(before, list) else []
        olds = [*olds, *[None] * len(values)]
        return [_copied(old, value) for old, value in zip(olds, values, strict=False)]
    if not isinstance(values, Tensor):
        return values
    if not isinstance(before, Held) or before.tensor.shape != values.shape:
        return Held(_fresh(values))
    before.tensor[...] = values
    return before


def _added(total: Gradient, other: Gradient) -> Gradient:
    if isinstance(total, list):
        return [_added(a, b) for a, b in zip(total, other, strict=True)]
    if isinstance(total, Held) and isinstance(other, Held):
        total.tensor += other.tensor.reshape(total.tensor.shape)
        return total
    return other if total is None else total
