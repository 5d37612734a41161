"""Which in-place modules overwrite a tensor that somebody else still reads.

``nn.ReLU(true)`` writes into its input. Behind a convolution nobody notices; on an encoder's output
that a skip connection uses later (nngraph), or beside an Identity in a ConcatTable, the others read
the overwritten values, and so must the converted network.
"""

from __future__ import annotations

from t7convert.lua.tree import LuaModule

#: Modules whose output is (a view of) their input.
VIEWS = frozenset(
    """nn.Identity nn.View nn.Reshape nn.Contiguous nn.Squeeze nn.Unsqueeze nn.Select nn.Narrow
    nn.Transpose nn.Replicate nn.SelectTable nn.NarrowTable nn.FlattenTable nn.Copy nn.Collapse
    nn.SplitTable nn.ZipTable nn.ZipTableOneToMany nn.PrintSize nn.GradientReversal nn.L1Penalty
    nn.ZeroGrad nn.DontCast nn.Convert nn.CopyGrad""".split()
)
#: Containers that give each child the input they got.
FANS = frozenset(("nn.ConcatTable", "nn.Concat", "nn.DepthConcat"))


def visible_overwrites(root: LuaModule) -> frozenset[int]:
    """Return the ids of the in-place modules whose overwriting can be seen."""
    analysis = _Analysis()
    analysis.visit(root, shared=False)
    return frozenset(analysis.visible)


class _Analysis:
    def __init__(self) -> None:
        self.visible: set[int] = set()

    def visit(self, module: LuaModule, *, shared: bool) -> bool:
        """Note the overwrites in ``module``; tell whether its output is its (shared) input.

        ``shared`` says whether somebody else reads the module's input afterwards.
        """
        children = [child for _, child in module.children()]
        if module.fields.get("inplace") is True and not children:
            if shared:
                self.visible.add(id(module))
            return shared
        name = module.spec.typename
        if name == "nn.Sequential":
            for child in children:
                shared = self.visit(child, shared=shared)
            return shared
        if name in FANS:
            several = len(children) > 1
            passed = [self.visit(child, shared=shared or several) for child in children]
            return name == "nn.ConcatTable" and any(passed)
        if name == "nn.gModule":
            return self._graph(module, children, shared)
        if children:
            return any([self.visit(child, shared=True) for child in children])
        return shared and name in VIEWS

    def _graph(self, module: LuaModule, children: list[LuaModule], shared: bool) -> bool:
        nodes = module.fields.get("nodes", [])
        readers = [0] * len(nodes)
        for node in nodes:
            for source in node["inputs"]:
                readers[int(source) - 1] += 1
        seen: list[bool] = []  # per node: may its output be read by somebody else later
        for number, node in enumerate(nodes):
            given = any(seen[int(source) - 1] for source in node["inputs"])
            if number + 1 == module.fields.get("input"):
                given = shared
            if node["module"] is not None:
                given = self.visit(children[int(node["module"]) - 1], shared=given)
            seen.append(given or readers[number] > 1)
        return bool(seen) and seen[-1]
