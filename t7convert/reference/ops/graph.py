"""nngraph's gModule, and the small modules that come with it."""

from __future__ import annotations

import numpy as np

from t7convert.reference.nested import add
from t7convert.reference.op import Op, Value, implements


@implements("nn.gModule")
class GModule(Op):
    """Source: nngraph gmodule.lua, ``runForwardFunction`` and ``updateGradInput``."""

    def forward(self, x: Value) -> Value:
        self.nodes = self.require("nodes")
        start = self.integer("input") - 1
        wanted = self.integer("nInputs")
        if wanted > 1 and len(x) != wanted:
            raise self.error(f"got {len(x)} inputs instead of {wanted}")
        modules = self.modules_at()
        self.found: list[Value] = []
        self.calls: dict[int, Op] = {}
        for number, node in enumerate(self.nodes):
            sources = [self.found[int(source) - 1] for source in node["inputs"]]
            given = x if number == start else sources[0] if len(sources) == 1 else sources
            if node["select"] is not None:
                given = given[int(node["select"]) - 1]
            if node["module"] is not None:
                self.calls[number] = self.call(modules[int(node["module"]) - 1], given)
                given = self.calls[number].output
            self.found.append(given)
        return self.found[self.integer("output_node") - 1]

    def backward(self, gy: Value) -> Value:
        gradients: dict[int, Value] = {self.integer("output_node") - 1: gy}
        start = self.integer("input") - 1
        for number in reversed(range(len(self.nodes))):
            node = self.nodes[number]
            gradient = gradients.get(number)
            if number in self.calls:
                gradient = self.calls[number].backward(gradient)
            if number == start:
                return gradient
            sources = [int(source) - 1 for source in node["inputs"]]
            if node["select"] is not None:
                table = [None] * len(self.found[sources[0]])
                table[int(node["select"]) - 1] = gradient
                gradient = table
            parts = [gradient] if len(sources) == 1 else gradient or []
            for source, part in zip(sources, parts, strict=False):
                gradients[source] = add(gradients.get(source), part)
        return gradients.get(start)


@implements("nngraph.JustElement")
class JustElement(Op):
    """The only entry of a table."""

    def forward(self, x: list[Value]) -> Value:
        return x[0]

    def backward(self, gy: Value) -> list[Value]:
        return [gy]


@implements("nngraph.JustTable")
class JustTable(Op):
    """A table with one entry."""

    def forward(self, x: Value) -> list[Value]:
        return [x]

    def backward(self, gy: list[Value]) -> Value:
        return gy[0]


@implements("nn.ModuleFromCriterion")
class ModuleFromCriterion(Op):
    """A criterion on ``{prediction, target}`` as a module; the output is a vector of one."""

    def forward(self, x: list[Value]) -> Value:
        self.made = self.call(self.module_at("criterion"), x)
        return np.asarray(self.made.output, self.executor.dtype).reshape(1)

    def backward(self, gy: Value) -> Value:
        from_prediction = self.made.backward(np.ones(()))
        prediction = (
            [part * gy[0] for part in from_prediction]
            if isinstance(from_prediction, list)
            else from_prediction * gy[0]
        )
        return [prediction, np.zeros_like(self.input[1])]
