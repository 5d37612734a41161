"""The module tree: what the fields of an object mean."""

from __future__ import annotations

import numpy as np
import pytest

from t7convert.errors import ConversionError
from t7convert.format.objects import LuaFunction, LuaTable
from t7convert.lua.tree import build, derived_spec, is_module, walk
from tests.build import linear, obj, sequential, table, tensor


def test_the_same_object_is_the_same_module() -> None:
    shared = linear(2, 2)
    tree = build(sequential(shared, obj("nn.Tanh"), shared))

    first, second, third = (child for _, child in tree.children())

    assert first is third
    assert first is not second
    assert first.path == "modules[1]"
    assert len(list(walk(tree))) == 3


def test_missing_fields_take_the_constructors_default() -> None:
    tree = build(obj("nn.SpatialMaxPooling", kW=3, kH=2, dW=2, dH=2))

    assert (tree.fields["padW"], tree.fields["ceil_mode"]) == (0, False)
    assert tree.missing == ()


def test_a_field_without_default_is_missing() -> None:
    assert "kH" in build(obj("nn.SpatialMaxPooling", kW=3)).missing


def test_old_padding_becomes_pad_w_and_pad_h() -> None:
    old = obj("nn.SpatialConvolution", nInputPlane=1, nOutputPlane=1, kW=1, kH=1, padding=2)
    tree = build(old)

    assert (tree.fields["padW"], tree.fields["padH"]) == (2, 2)


def test_gradients_and_buffers_are_left_out() -> None:
    tree = build(obj("nn.Linear", weight=tensor(np.ones((1, 1))), gradWeight=tensor([[1.0]])))

    assert set(tree.fields) == {"weight"}


def test_an_unknown_class_gets_a_row_from_its_fields() -> None:
    fields = table(weight=tensor([1.0]), table_=tensor([2.0]), alpha=0.5, gradWeight=tensor([1.0]))
    fields["modules"] = table(linear(1, 1))
    spec = derived_spec("my.Layer", fields)

    assert spec.derived
    assert spec.parameters == ("weight",)
    assert spec.statistics == ("table_",)
    assert spec.children == ("modules",)
    assert set(spec.constants) == {"alpha"}


def test_a_method_of_its_own_is_noted() -> None:
    module = linear(1, 1)
    module.fields["updateOutput"] = LuaFunction(b"\x1bLJ")

    assert build(module).overridden == ("updateOutput",)


def test_a_module_in_an_unknown_field_is_noted() -> None:
    module = linear(1, 1)
    module.fields["extra"] = linear(1, 1)

    assert build(module).strange == ("extra",)


def test_tables_inside_themselves_are_refused() -> None:
    loop = LuaTable()
    loop[1] = loop

    with pytest.raises(ConversionError, match="nest more than"):
        build(obj("nn.View", size=loop))


def test_deep_nesting_does_not_recurse() -> None:
    module = linear(1, 1)
    for _ in range(5000):
        module = sequential(module)

    assert len(list(walk(build(module)))) == 5001


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (linear(1, 1), True),
        (obj("my.Module", output=1, gradInput=2), True),
        (obj("my.Data", words=table()), False),
        (table(modules=table()), False),
        (None, False),
    ],
)
def test_what_counts_as_a_module(value: object, expected: bool) -> None:
    assert is_module(value) is expected
