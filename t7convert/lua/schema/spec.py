"""The shape of one schema row, and the table that holds all rows.

The schema answers, without torch, what the fields of a Lua class are: parameters, children,
constants, statistics, buffers. Inspect, the converter, the reference, shrink, flat vectors and the
writer read it; nobody keeps such a list of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

#: Fields of a Lua object by name, values as the file holds them.
RawFields = dict[str, Any]
#: Turns the fields of an old version into today's, in place. Structure only: missing fields,
#: renamed fields, 2-D weights. Numeric rules belong to the converter and to the reference.
Upgrade = Callable[[RawFields, "float | None"], None]


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


#: Marks a constant that has no default: a file without it can't be converted.
REQUIRED: Final = _Required()


@dataclass(frozen=True, kw_only=True)
class ClassSpec:
    """What the fields of a Lua class mean.

    Attributes:
        name: key of the row: the typename, followed by ``@package`` where several packages use it.
        typename: the class name in the file.
        source: the Lua file that defines the class, e.g. ``torch/nn: Linear.lua``.
        kind: ``module`` or ``criterion``.
        parameters: tensor fields that ``parameters()`` returns, in its order.
        statistics: tensor fields that evaluation reads and nobody trains (running_mean).
        children: fields that hold a module or a list of modules, in the order of ``parameters()``.
        constants: other fields with meaning, and the constructor's default for files that lack
            them; ``REQUIRED`` where there is none.
        buffers: fields without meaning between two calls.
        upgrade: brings the fields of old versions into today's form.
        when: fields that must be present for this row to apply; tells packages apart.
        unless: fields that must be absent.
        true_gradient: whether Lua's updateGradInput is the derivative of its updateOutput.
        stores: methods that the class's own constructor stores in the object as functions, so that
            finding them there doesn't mean that somebody changed the class.
        lists: whether ``parameters()`` lists what stands inside, as the fields say; None: it does.
        random: whether the output is random (in the mode that ``modes`` of the notes says).
        notes: for the support table.
        derived: made from an object's fields because the schema doesn't know the class.
    """

    name: str
    typename: str
    source: str
    kind: Literal["module", "criterion"] = "module"
    parameters: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    buffers: tuple[str, ...] = ()
    upgrade: Upgrade | None = None
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    lists: Callable[[Mapping[str, Any]], bool] | None = None
    true_gradient: bool = True
    random: bool = False
    notes: str = ""
    derived: bool = False

    @property
    def tensors(self) -> tuple[str, ...]:
        """Fields whose tensors are state: parameters, then statistics."""
        return self.parameters + self.statistics

    def applies(self, fields: Mapping[str, Any]) -> bool:
        """Tell whether an object with these fields is of this class (and not a namesake)."""
        return all(fields.get(name) is not None for name in self.when) and all(
            fields.get(name) is None for name in self.unless
        )


_ROWS: dict[str, ClassSpec] = {}
_BY_TYPENAME: dict[str, list[ClassSpec]] = {}


def _words(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(names.split()) if isinstance(names, str) else names


def _add(spec: ClassSpec) -> ClassSpec:
    if spec.name in _ROWS:
        raise ValueError(f"the schema has a row for {spec.name} already")
    _ROWS[spec.name] = spec
    _BY_TYPENAME.setdefault(spec.typename, []).append(spec)
    return spec


def row(
    name: str,
    source: str,
    *,
    kind: Literal["module", "criterion"] = "module",
    parameters: str = "",
    statistics: str = "",
    children: str = "",
    constants: Mapping[str, Any] | None = None,
    buffers: str = "",
    upgrade: Upgrade | None = None,
    when: str = "",
    unless: str = "",
    stores: str = "",
    lists: Callable[[Mapping[str, Any]], bool] | None = None,
    true_gradient: bool = True,
    random: bool = False,
    notes: str = "",
) -> ClassSpec:
    """Add a row; lists of fields are written as words of one string.

    ``name`` is the typename, followed by ``@package`` where packages differ (then say ``when`` or
    ``unless``).

    Raises:
        ValueError: if the row exists.
    """
    return _add(
        ClassSpec(
            name=name,
            typename=name.partition("@")[0],
            source=source,
            kind=kind,
            parameters=_words(parameters),
            statistics=_words(statistics),
            children=_words(children),
            constants=dict(constants or {}),
            buffers=_words(buffers),
            upgrade=upgrade,
            when=_words(when),
            unless=_words(unless),
            stores=_words(stores),
            lists=lists,
            true_gradient=true_gradient,
            random=random,
            notes=notes,
        )
    )


def alias(
    name: str,
    of: str,
    source: str,
    *,
    constants: Mapping[str, Any] | None = None,
    buffers: str = "",
    **changes: Any,
) -> ClassSpec:
    """Add a row that is as the row ``of`` is, with ``constants`` and ``buffers`` added."""
    base = _ROWS[of]
    return _add(
        replace(
            base,
            name=name,
            typename=name.partition("@")[0],
            source=source,
            constants={**base.constants, **(constants or {})},
            buffers=base.buffers + _words(buffers),
            **changes,
        )
    )


def rows() -> Iterator[ClassSpec]:
    """Iterate over all rows, in the order they were added."""
    return iter(_ROWS.values())


def by_name(name: str) -> ClassSpec | None:
    """Return the row with this key, or None."""
    return _ROWS.get(name)


def find(typename: str, fields: Mapping[str, Any]) -> ClassSpec | None:
    """Return the row of an object with this class name and these fields, or None."""
    for spec in _BY_TYPENAME.get(typename, ()):
        if spec.applies(fields):
            return spec
    return None


@contextmanager
def restored() -> Iterator[None]:
    """Undo rows added inside the block (a plugin's)."""
    rows_before = dict(_ROWS)
    names_before = {name: list(specs) for name, specs in _BY_TYPENAME.items()}
    try:
        yield
    finally:
        _ROWS.clear()
        _ROWS.update(rows_before)
        _BY_TYPENAME.clear()
        _BY_TYPENAME.update(names_before)


def is_known(typename: str) -> bool:
    """Tell whether any row bears this class name."""
    return typename in _BY_TYPENAME
