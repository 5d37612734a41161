"""Tables, functions and objects of unknown classes, as ``load_lua`` returned them."""

from __future__ import annotations

from typing import Any


class hashable_uniq_dict(dict[Any, Any]):  # noqa: N801  old code compares the class's name
    """A Lua table that is no list: a dict with ``table.key``, equal to itself only.

    ``table.key`` is None where there is no such key.
    """

    __hash__ = object.__hash__  # type: ignore[assignment]  # a dict has none; Lua's has

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        return self.get(key)


class TorchObject:
    """An object of a class that nobody knows, loaded with ``unknown_classes=True``.

    Its fields are both attributes and items, None where there is no such field.
    """

    def __init__(self, typename: str, obj: Any) -> None:
        self._typename = typename
        self._obj = obj

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__") or key in ("_obj", "_typename"):
            raise AttributeError(key)
        return self[key]

    def __getitem__(self, key: Any) -> Any:
        return self._obj.get(key) if isinstance(self._obj, dict) else None

    def torch_typename(self) -> str:
        """Return the Lua class name."""
        return self._typename

    def __dir__(self) -> list[str]:
        fields = self._obj if isinstance(self._obj, dict) else {}
        return [*(str(key) for key in fields), "torch_typename"]

    def __repr__(self) -> str:
        return f"TorchObject({self._typename}, {self._obj!r})"


class LuaFunction:
    """A Lua function: its bytecode, which nobody executes, and what it closes over."""

    def __init__(self, dumped: bytes, upvalues: Any = None) -> None:
        self.size, self.dumped, self.upvalues = len(dumped), dumped, upvalues

    def __repr__(self) -> str:
        return f"LuaFunction(size={self.size})"
