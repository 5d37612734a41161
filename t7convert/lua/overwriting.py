"""Which in-place modules overwrite a tensor that somebody else still reads.

``nn.ReLU(true)`` writes into its input. Behind a convolution nobody notices; on an encoder's output
that a skip connection uses later (nngraph), or beside an Identity in a ConcatTable, the others read
the overwritten values, and so must the converted network.

The network is run with pieces of memory instead of numbers. Each overwriting gives its memory a new
version; it can be seen if somebody reads, or read before and reads again in backward, an older one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from t7convert.lua.aliasing import (
    COPIES,
    READ_OUTPUT,
    VIEWS,
    asks_in_vain,
    is_in_place,
    names,
)
from t7convert.lua.memory import Branch, Memory
from t7convert.lua.reuse import reused
from t7convert.lua.tree import LuaModule

#: Containers around one module that return what it returns, or a view of it.
_DECORATORS = names(
    """nn.Decorator nn.Bottle nn.NaN nn.Profile nn.GPU nn.DontCast nn.DataParallelTable
    nn.DataParallel nn.Recursor nn.BiSequencer nn.SeqBRNN nn.SeqBLSTM nn.SeqBGRU
    nn.ReverseUnreverse onmt.Network onmt.LSTM onmt.GRU onmt.GlobalAttention onmt.NoAttention
    onmt.Bridge"""
)
#: Modules that read their output again in the next time step.
_RECURRENT = names(
    """nn.LSTM nn.FastLSTM nn.GRU nn.MuFuRu nn.Recurrent nn.Recurrence nn.LinearRNN nn.LookupRNN
    nn.RecLSTM nn.RecGRU"""
)
#: Modules that pass their input on, and read it in backward for the gradient of a penalty.
_PENALTIES = names("nn.L1Penalty nn.DeepDreamLoss nn.TotalVariation nn.StyleLoss")


@dataclass(frozen=True)
class Overwrites:
    """What can be seen of a network's in-place modules; sets of ``id(module)``.

    Attributes:
        visible: the modules whose overwriting somebody else can see.
        copies: the modules that must not return a view of their input.
        readers: the modules that read or wrote memory which is overwritten visibly.
        of_input: whether the network's own input is among the memory overwritten.
        late: the modules that put the old values back after others' backward has read the new ones.
    """

    visible: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()
    copies: frozenset[int] = frozenset()
    readers: frozenset[int] = frozenset()
    of_input: bool = False


def overwrites(root: LuaModule) -> Overwrites:
    """Return which overwritings in ``root`` can be seen, and what follows from that."""
    run = _Run(frozenset(id(module) for module in reused(root)))
    given = _Value(run.memory(None))
    run.read(run.call(root, given))
    visible: set[int] = set()
    late: set[int] = set()
    copies: set[int] = set()
    readers: set[int] = set()
    of_input = False
    for memory in run.memories:
        for time, version, module in memory.overwritten:
            if memory.buffer or memory.seen(time, version, module):
                visible.add(id(module))
            if memory.asked_first(version, module):
                late.add(id(module))
        writers = [module for _, _, module in memory.overwritten]
        for start, end in combinations(range(len(writers)), 2):
            if asks_in_vain(writers[start], writers[end]):
                visible |= set(map(id, writers[start : end + 1]))
        if any(id(module) in visible for _, _, module in memory.overwritten):
            of_input = of_input or memory.maker is None
            copies.update(memory.copiers)
            readers.update(memory.readers, {id(memory.maker)}, map(id, writers))
    return Overwrites(
        frozenset(visible), frozenset(late), frozenset(copies), frozenset(readers), of_input
    )


class _Value:
    """A tensor: some memory in some version; or a table, which may be discovered bit by bit."""

    def __init__(
        self, memory: Memory, items: list[_Value] | None = None, *, slices: bool = False
    ) -> None:
        self.memory, self.version = memory, memory.version
        self.items = items
        self.slices = slices
        self.found: dict[object, _Value] = {}

    def at(self, run: _Run, key: object) -> _Value:
        """Return an entry (a 1-based number, or a string) of the table."""
        if self.slices:
            return _Value(self.memory)
        if self.items is not None and isinstance(key, int):
            position = key - 1 if key > 0 else key
            if -len(self.items) <= position < len(self.items):
                return self.items[position]
        if key not in self.found:
            self.found[key] = _Value(run.memory(self.memory.maker, public=self.memory.public))
        return self.found[key]

    def tensors(self) -> Iterator[_Value]:
        """Iterate over the tensors that are known to be inside."""
        inside = [*(self.items or []), *self.found.values()]
        if self.items is None and not self.found:
            yield self
        for item in inside:
            yield from item.tensors()


class _Run:
    def __init__(self, reused: frozenset[int]) -> None:
        self.reused = reused
        self.buffers: dict[int, Memory] = {}
        self.memories: list[Memory] = []
        self.pushed: dict[int, _Value] = {}
        self.branch: Branch = ()
        self.time = 0

    def memory(self, maker: LuaModule | None, *, public: bool = False) -> Memory:
        made = Memory(maker, public)
        self.memories.append(made)
        return made

    def fresh(self, module: LuaModule) -> _Value:
        memory = self.buffers.get(id(module)) or self.memory(module)
        if id(module) in self.reused:
            self.buffers[id(module)] = memory
            memory.buffer = True
            memory.version += 1
        value = _Value(memory)
        if module.spec.typename in READ_OUTPUT:
            self.read(value)
        return value

    def table(self, module: LuaModule, items: list[_Value]) -> _Value:
        return _Value(self.memory(module), items)

    def read(self, value: _Value, reader: LuaModule | None = None) -> None:
        self.time += 1
        for tensor in value.tensors():
            tensor.memory.reads.append((self.time, tensor.version, self.branch))
            tensor.memory.readers.add(id(reader))

    def call(self, module: LuaModule, given: _Value) -> _Value:
        """Return what the module makes of ``given``."""
        name = module.spec.typename
        children = [child for _, child in module.children()]
        if is_in_place(module):
            return self._overwrite(module, given)
        if name == "nn.Sequential":
            for child in children:
                given = self.call(child, given)
            return given
        if name in _DECORATORS and len(children) == 1:
            return self.call(children[0], given)
        if name == "t7convert.Branch":
            entry = module.fields.get("entry")
            sliced = module.fields.get("dimension") is not None
            return self.call(
                children[0], given if entry is None or sliced else given.at(self, entry)
            )
        if name == "nn.ConcatTable":
            return self._branches(module, [(child, given) for child in children])
        if name in ("nn.ParallelTable", "nn.MapTable"):
            if name == "nn.MapTable":
                children += children[:1] * (len(given.items or []) - len(children))
            numbered = enumerate(children, start=1)
            return self._branches(module, [(c, given.at(self, i)) for i, c in numbered])
        if name in ("nn.Concat", "nn.DepthConcat", "nn.ModelParallel"):
            self.read(self._branches(module, [(child, given) for child in children]))
            return self.fresh(module)
        if name == "nn.gModule":
            return self._graph(module, given)
        if children and name not in VIEWS:
            return self._unknown_container(module, children, given)
        if name in VIEWS:
            return self._view(module, given)
        self.read(given, module)
        return self._copy(module, given) if name in COPIES else self.fresh(module)

    def _branches(self, module: LuaModule, calls: list[tuple[LuaModule, _Value]]) -> _Value:
        """Call the children of a container, which go backward in the same order."""
        outer, items = self.branch, []
        for number, (child, given) in enumerate(calls):
            self.branch = (*outer, (id(module), number))
            items.append(self.call(child, given))
        self.branch = outer
        return self.table(module, items)

    def _copy(self, module: LuaModule, given: _Value) -> _Value:
        """Note who must not return a view, should what it reads or what it makes be overwritten."""
        made = self.fresh(module)
        for memory in (given.memory, made.memory):
            memory.copiers.add(id(module))
        return made

    def _overwrite(self, module: LuaModule, given: _Value) -> _Value:
        target = given
        if module.spec.typename == "nn.CAddTable":
            target = given.at(self, 1)
            for item in (given.items or [])[1:]:
                self.read(item)
            # from the third on, an entry in the same memory is read after others were added to it
            late = any(item.memory is target.memory for item in (given.items or [])[2:])
            target.memory.public = target.memory.public or late
        self.time += 1
        memory = target.memory
        memory.public = memory.public or target.version < memory.version
        memory.version += 1
        memory.overwritten.append((self.time, memory.version, module))
        memory.writing[id(module)] = self.branch
        return _Value(memory)

    def _view(self, module: LuaModule, given: _Value) -> _Value:
        name, fields = module.spec.typename, module.fields
        if name in _PENALTIES:
            self.read(given, module)
        if name == "nn.SelectTable":
            return given.at(self, fields.get("index"))
        if name == "nn.NarrowTable":
            first, count = int(fields.get("offset", 1)), int(fields.get("length", 1))
            return self.table(module, [given.at(self, first + i) for i in range(count)])
        if name == "nn.ReverseTable" and given.items is not None:
            return self.table(module, given.items[::-1])
        if name in ("nn.PushTable", "nn.PullTable"):
            return self._pushed(module, given, int(fields["_index"]) - 1)
        if name == "nn.SplitTable":
            return _Value(given.memory, slices=True)
        if name == "nngraph.JustElement":
            return given.at(self, 1)
        if name == "nngraph.JustTable":
            return self.table(module, [given])
        if name in ("nn.FlattenTable", "nn.ZipTable", "nn.ZipTableOneToMany"):
            return self.table(module, list(given.tensors()))
        transposed = fields.get("inputShape") != fields.get("outputShape")
        if (name == "nn.Convert" and transposed) or (name == "nn.Copy" and not fields.get("alias")):
            self.read(given)  # these copy
            return self._copy(module, given)
        return given

    def _pushed(self, module: LuaModule, given: _Value, index: int) -> _Value:
        """A PushTable takes an entry out of its table, its PullTables put it into theirs."""
        items = list(given.items or [])
        if module.spec.typename == "nn.PushTable":
            self.pushed[id(module)] = given.at(self, index + 1)
            return self.table(module, items[:index] + items[index + 1 :])
        entry = self.pushed.get(id(module.fields.get("_push")))
        if entry is None:
            return self.fresh(module)
        items = items if given.items is not None else [given]
        return self.table(module, [*items[:index], entry, *items[index:]])

    def _unknown_container(
        self, module: LuaModule, children: list[LuaModule], given: _Value
    ) -> _Value:
        """Take it that somebody sees whatever children do to what the container hands them."""
        self.read(given)
        for child in children:
            self.read(self.call(child, _Value(self.memory(module, public=True))))
        if module.spec.typename in _RECURRENT:
            return _Value(self.memory(module, public=True))
        return self.fresh(module)

    def _graph(self, module: LuaModule, given: _Value) -> _Value:
        modules = module.fields.get("modules", [])
        values: list[_Value] = []
        for number, node in enumerate(module.fields.get("nodes", []), start=1):
            sources = [values[int(source) - 1] for source in node["inputs"]]
            if number == module.fields.get("input"):
                value = given
            else:
                value = sources[0] if len(sources) == 1 else self.table(module, sources)
            if node["select"] is not None:
                value = value.at(self, int(node["select"]))
            if node["module"] is not None:
                value = self.call(modules[int(node["module"]) - 1], value)
            values.append(value)
        return values[int(module.fields["output_node"]) - 1]
