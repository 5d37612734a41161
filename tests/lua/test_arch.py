"""The architecture as JSON: the tree without values comes back."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from t7convert.errors import CheckpointError
from t7convert.format.objects import LuaStorage, LuaTensor
from t7convert.lua import arch
from t7convert.lua.tree import build, walk
from tests.build import linear, obj, sequential, storage, table, tensor, view


def test_geometry_and_ties_come_back_without_values() -> None:
    base = storage(np.arange(12.0))
    tree = build(
        sequential(
            linear(2, 3, weight=view(base, (3, 2), offset=6)),
            linear(3, 2, weight=view(base, (2, 3), offset=6)),
        )
    )
    text = json.dumps(arch.encode(tree))
    back = arch.decode(json.loads(text))
    one, two = (child.fields["weight"] for _, child in back.children())

    assert (one.size, one.stride, one.offset) == ((3, 2), (2, 1), 6)
    assert one.storage is two.storage
    with pytest.raises(CheckpointError, match="no values"):
        one.numpy()


def test_the_same_module_twice_stays_one() -> None:
    shared = linear(1, 1)
    back = arch.decode(arch.encode(build(sequential(shared, shared))))

    assert len(list(walk(back))) == 2


def test_constants_keep_their_values() -> None:
    fields = {"a": math.inf, "b": 1.5, "c": "text", "d": True, "e": table(1, table(x=2))}
    kept = arch.decode(
        arch.encode(build(obj("my.Layer", _type="", output=0, gradInput=0, **fields)))
    )

    assert kept.fields["a"] == math.inf
    assert (kept.fields["b"], kept.fields["c"], kept.fields["d"]) == (1.5, "text", True)
    assert kept.fields["e"] == [1, {"x": 2}]


def test_constant_tensors_and_storages_keep_their_values() -> None:
    size = storage([2, 3], "Long")
    back = arch.decode(arch.encode(build(obj("nn.View", size=size, numElements=6))))
    kept = back.fields["size"]

    assert isinstance(kept, LuaStorage)
    assert kept.numpy().tolist() == [2, 3]


def test_a_derived_row_comes_back() -> None:
    module = obj("my.Layer", output=0, gradInput=0, weight=tensor([1.0, 2.0]), table_=tensor([3.0]))
    back = arch.decode(arch.encode(build(module)))

    assert back.spec.parameters == ("weight",)
    assert back.spec.statistics == ("table_",)
    assert isinstance(back.fields["weight"], LuaTensor)


@pytest.mark.parametrize("nodes", [[], [{}], [{"class": "nn.Linear", "path": "", "version": 1}]])
def test_what_is_no_architecture_is_refused(nodes: list[dict[str, object]]) -> None:
    with pytest.raises(CheckpointError, match="can't be understood"):
        arch.decode(nodes)
