"""Tensors by state_dict key: compared with a network's, and put into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from t7convert import paths
from t7convert.conversion.convert import Converted
from t7convert.parity.opening import Findings
from t7convert.parity.report import Fact, Row

#: So many names of lost and gained ties are told.
_SHOWN = 5


@dataclass(frozen=True)
class Named:
    """The tensors of a file by key.

    Attributes:
        state: all of them.
        ties: the groups of keys that are one tensor in the file; None if the file can't tell.
        untold: why not.
    """

    state: Mapping[str, Tensor]
    ties: Sequence[Sequence[str]] | None = None
    untold: str = ""

    def misfits(self, converted: Converted) -> int:
        """Return how many keys are on one side only."""
        return len(converted.network.state_dict().keys() ^ self.state.keys())

    def compare(self, converted: Converted) -> Findings:
        """Compare keys, shapes and ties with a network, and give it the values if they fit."""
        own = converted.network.state_dict(keep_vars=True)
        rows = dict(_problems(converted, own, self.state))
        dtype = _cast(own, self.state)
        facts = () if self.ties is None else (tie_fact(converted.ties(), self.ties),)
        limits = (f"ties of the output: {self.untold}",) if self.untold else ()
        for key, tensor in own.items():
            if key not in rows:
                tensor.data = self.state[key]
        unfit = frozenset(rows)
        return Findings(tuple(rows.values()), facts, limits, not rows, dtype=dtype, unfit=unfit)


def _problems(
    converted: Converted, own: Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> Iterator[tuple[str, Row]]:
    row_of = Places(converted)
    for key, tensor in own.items():
        found = state.get(key)
        if found is None:
            yield key, row_of(key, "missing", f"the file has no tensor {key}")
        elif found.shape != tensor.shape:
            note = f"{key} has shape {tuple(found.shape)}, expected {tuple(tensor.shape)}"
            yield key, row_of(key, "differs", note)
    for key in state.keys() - own.keys():
        note = f"surplus: the network has no place for the file's tensor {key}"
        yield key, row_of(key, "missing", note)
    for keys in converted.ties():
        first = state.get(keys[0])
        for key in keys[1:]:
            other = state.get(key)
            if first is None or other is None or first.shape != other.shape:
                continue  # told above
            if not same_bits(first, other):
                note = f"{keys[0]} and {key} are one tensor in Lua; the file's have other values"
                yield key, row_of(key, "differs", note)


class Places:
    """Makes rows for state_dict keys; they name the Lua tensor where there is one."""

    def __init__(self, converted: Converted) -> None:
        self._records = {binding.key: binding.record for binding in converted.bindings}
        self._buffers = {name for name, _ in converted.network.named_buffers()}
        self._types = {b.key: type(b.record.module).__name__ for b in converted.bindings}

    def known(self, key: str) -> bool:
        """Tell whether a key stands for something in Lua (PyTorch counts batches, Lua doesn't)."""
        return key in self._records

    def __call__(self, key: str, status: str, note: str = "") -> Row:
        record = self._records.get(key)
        path = key if record is None else paths.join(record.path, *paths.parse(record.field))
        kind = "statistic" if key in self._buffers else "parameter"
        assert status in ("ok", "differs", "missing")
        return Row(kind, path, self._types.get(key, "?"), "", status, note=note)  # type: ignore[arg-type]  # checked above


def _cast(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str | None:
    """Return the one dtype of the file's floating tensors, where the network's differ."""
    types = {t.dtype for t in state.values() if t.is_floating_point()}
    theirs = {t.dtype for t in own.values() if t.is_floating_point()}
    if len(types) != 1 or types == theirs:
        return None
    return str(next(iter(types))).removeprefix("torch.")


def tie_fact(expected: Iterable[Sequence[str]], found: Iterable[Sequence[str]]) -> Fact:
    """Compare the groups of keys that are one tensor."""
    want, have = ({frozenset(keys) for keys in groups} for groups in (expected, found))
    lost, gained = sorted(map(sorted, want - have)), sorted(map(sorted, have - want))
    if not lost and not gained:
        return Fact("ties of the output", True, f"{len(want)} groups of keys, each one tensor")
    parts = [f"lost: {' = '.join(keys)}" for keys in lost[:_SHOWN]]
    parts += [f"gained: {' = '.join(keys)}" for keys in gained[:_SHOWN]]
    rest = len(lost) + len(gained) - len(parts)
    return Fact("ties of the output", False, "; ".join(parts) + (f"; {rest} more" if rest else ""))


def groups_by_memory(state: Mapping[str, Tensor]) -> list[list[str]]:
    """Return the groups of keys that are the same view of the same memory."""
    groups: dict[object, list[str]] = {}
    for key, tensor in state.items():
        if tensor.numel():
            where = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)
            groups.setdefault(where, []).append(key)
    return [keys for keys in groups.values() if len(keys) > 1]


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Tell whether two tensors are equal bit for bit (NaN included)."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.data_ptr() == b.data_ptr() and a.stride() == b.stride():
        return True
    raw = [t.detach().cpu().contiguous().reshape(-1).view(torch.uint8) for t in (a, b)]
    return torch.equal(raw[0], raw[1])
