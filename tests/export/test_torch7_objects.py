"""Objects that go back as the file had them: shares, types, tables, old forms."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import t7convert
from t7convert.conversion.network import convert_object
from t7convert.export.checkpoint import architecture_json, compact_state, rebuild
from t7convert.export.torch7.network import torch7_object
from t7convert.format.objects import LuaObject
from tests.build import linear, obj, tensor
from tests.conftest import FIXTURES
from tests.golden import cases


def same_file(module: LuaObject, **options: Any) -> LuaObject:
    """Send a module through an architecture description and a .t7 file."""
    first = convert_object(module)
    again = rebuild(architecture_json(first), compact_state(first.network), name="a module")
    file = io.BytesIO()
    t7convert.save(torch7_object(again, **options), file)
    root = t7convert.load(file.getvalue())
    assert isinstance(root, LuaObject)
    return root


def test_a_network_without_parameters_keeps_its_type() -> None:
    kinds = [
        same_file(obj("nn.Tanh", 1, _type=f"torch.{kind}Tensor")).fields["output"].typename
        for kind in ("Float", "Double")
    ]

    assert kinds == ["torch.FloatTensor", "torch.DoubleTensor"]
    # a criterion has no _type; torch/nn fills the tensors of its gradInput, of their own type
    pair = t7convert.LuaTable({1: tensor(np.zeros(0)), 2: tensor(np.zeros(0))})
    criterion = obj("nn.CosineEmbeddingCriterion", 1, margin=0, sizeAverage=True, gradInput=pair)
    assert same_file(criterion)["gradInput"][1].typename == "torch.DoubleTensor"


@pytest.mark.parametrize("mark", [True, t7convert.LuaFunction(b"bytecode")])
def test_a_share_without_a_partner_stays_one(mark: Any) -> None:
    lone = linear(2, 3)
    lone.fields["shared" if mark is True else "accUpdateGradParameters"] = mark
    written = same_file(lone)

    assert written["shared"] is True
    assert "accUpdateGradParameters" not in written.fields


def test_one_tensor_object_at_two_places_stays_one() -> None:
    """getParameters moves tensor objects: a second one would keep the old values."""
    for name in ("layers/WeightNorm", "community/fbnn.UnfoldedTemporalConvolution"):
        _, case = next(cases(FIXTURES / f"{name}.t7.xz"))
        written = same_file(case["module"])
        inner = written["linear"] if "linear" in written.fields else written["modules"][1]

        assert written["bias"] is inner["bias"]
        assert written["gradBias"] is inner["gradBias"]
    _, case = next(cases(FIXTURES / "layers" / "CriterionTable.t7.xz"))
    written = same_file(case["module"])
    assert written["gradInput"][1] is written["criterion"]["gradInput"]


def test_weight_norm_can_be_loaded_without_gradients() -> None:
    _, case = next(cases(FIXTURES / "layers" / "WeightNorm.t7.xz"))
    written = same_file(case["module"], gradients=False)

    assert "gradV" in written.fields
    assert "gradG" not in written.fields


def test_modules_that_are_not_cast_keep_their_type() -> None:
    _, case = next(cases(FIXTURES / "layers" / "DontCast.t7.xz"))
    written = same_file(case["module"], type="float")

    assert written["modules"][1]["weight"].typename == "torch.DoubleTensor"


def test_tables_of_outputs_keep_their_form() -> None:
    """StepLSTM writes into output[1] and output[2], which its constructor makes."""
    _, case = next(cases(FIXTURES / "community" / "trnn.RecLSTM.t7.xz"))
    step = same_file(case["module"])["modules"][1]

    assert [value.size for value in step["output"].list()] == [(), ()]


def test_replicas_become_one() -> None:
    fields = {"gpuAssignments": t7convert.LuaTable({1: 1}), "dimension": 1}
    parallel = obj("nn.DataParallelTable", 1, **fields)
    parallel.fields["modules"] = t7convert.LuaTable({1: linear(2, 3), 2: linear(2, 3)})
    # cunn's __write: the list of GPUs, then the fields with the same list
    parallel.header, parallel.version = (fields["gpuAssignments"],), 3
    written = same_file(parallel)

    assert written.typename == "nn.DataParallelTable"
    assert written.header[0] is written["gpuAssignments"]
    assert len(written["modules"]) == 1
    assert written["gpuAssignments"].list() == [1]


def test_the_first_volumetric_full_convolution_gets_todays_layout() -> None:
    sizes = {"nInputPlane": 1, "nOutputPlane": 3, "kT": 1, "kW": 2, "kH": 1}
    steps = {"dT": 1, "dW": 1, "dH": 1, "pT": 0, "pW": 0, "pH": 0}
    weight, bias = np.arange(6.0).reshape(3, 1, 1, 1, 2), np.zeros(3)
    old = obj(
        "nn.VolumetricFullConvolution",
        1,
        **sizes,
        **steps,
        weight=tensor(weight),
        bias=tensor(bias),
    )
    written = same_file(old)

    assert np.array_equal(written["weight"].numpy(), weight.swapaxes(0, 1))
    assert "transposed" not in written.fields
