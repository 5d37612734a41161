"""A part of a file without the memory that only the rest of the file sees."""

from __future__ import annotations

from typing import Any

from t7convert.format.objects import Array, LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor


class _Stretch:
    """A stretch of a storage; it is read when somebody asks."""

    def __init__(self, storage: LuaStorage, start: int) -> None:
        self._storage, self._start = storage, start

    def read(self, start: int, stop: int) -> Array:
        """Return elements ``start`` to ``stop`` of the stretch."""
        return self._storage.read(self._start + start, self._start + stop)

    def copy(self, start: int, stop: int) -> Array:
        """Return elements ``start`` to ``stop`` of the stretch as a new array."""
        return self._storage.copy(self._start + start, self._start + stop)


def crop(root: Any) -> int:
    """Cut the storages of an object graph, in place, to the stretch that its tensors see.

    Tensors that lie in one storage still do, at the same distances, so ties stay. A storage that
    stands in the graph as an object of its own stays whole.

    Returns:
        How many elements fell away.
    """
    tensors: list[LuaTensor] = []
    whole: set[int] = set()
    seen: set[int] = set()
    stack = [root]
    while stack:
        value = stack.pop()
        if id(value) in seen or not isinstance(value, (LuaTable, LuaObject, LuaTensor, LuaStorage)):
            if isinstance(value, LuaFunction):
                stack.append(value.upvalues)
            continue
        seen.add(id(value))
        if isinstance(value, LuaTensor):
            tensors.append(value)
        elif isinstance(value, LuaStorage):
            whole.add(id(value))
        elif isinstance(value, LuaObject):
            stack += [value.payload, *value.header]
        else:
            stack += [*value, *value.values()]
    groups: dict[int, list[LuaTensor]] = {}
    for tensor in tensors:
        if tensor.storage is not None and id(tensor.storage) not in whole:
            groups.setdefault(id(tensor.storage), []).append(tensor)
    return sum(_cut(group) for group in groups.values())


def _cut(tensors: list[LuaTensor]) -> int:
    storage = tensors[0].storage
    assert storage is not None
    seen = [tensor for tensor in tensors if tensor.numel()]
    start = min((tensor.offset for tensor in seen), default=0)
    stop = max((tensor.offset + tensor.extent() for tensor in seen), default=0)
    if stop - start == storage.size:
        return 0
    cut = LuaStorage(storage.typename, stop - start, _Stretch(storage, start))
    for tensor in tensors:
        tensor.storage = cut
        tensor.offset = tensor.offset - start if tensor.numel() else 0
    return storage.size - cut.size
