"""``verify MODEL OUT`` takes every kind of output that t7convert writes."""

from __future__ import annotations

import json
import lzma
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import t7convert
from t7convert import outputs
from t7convert.cli import main
from t7convert.errors import CheckpointError, ParityError, SelectionError
from tests.build import obj, sequential, tensor
from tests.parity.planting import (
    BASIC,
    KINDS,
    NETS,
    model_of,
)

STATISTICS = ("weight", "bias", "running_mean", "running_var")


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("kind", KINDS)
def test_right_outputs_pass(made: Any, kind: str, name: str) -> None:
    report = t7convert.verify(model_of(name), made(name, kind), gradients=True)
    own = t7convert.verify(model_of(name))

    assert report.ok, str(report)
    assert report.compared >= 2
    places = {row.path for row in own.rows if row.kind in ("parameter", "statistic")}
    assert {row.path for row in report.rows if row.kind in ("parameter", "statistic")} == places
    graph = kind in ("onnx", "pt2")
    assert any("gradients" in text for text in report.limits) is (graph or kind == "t7")
    assert any(row.kind == "gradient" for row in report.rows) is not graph
    assert not (graph and any(row.kind == "output" for row in report.rows))


def test_a_description_proves_nothing_but_is_compared(made: Any, tmp_path: Path) -> None:
    out = made(BASIC, "json")
    report = t7convert.verify(model_of(BASIC), out)

    assert (report.ok, report.compared) == (False, 0)
    assert all(fact.ok for fact in report.facts)
    assert "no values" in report.limits[0]
    content = json.loads(out.read_text())
    content["ties"].pop()
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(content))
    facts = {fact.name: fact for fact in t7convert.verify(model_of(BASIC), changed).facts}
    assert not facts["ties of the output"].ok


def test_an_output_up_to_a_module_says_so(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.pt", tmp_path / "part.pt"
    t7convert.convert(model_of(BASIC), whole, verify=False)
    t7convert.convert(model_of(BASIC), part, verify=False, until="modules[4]")

    assert t7convert.verify(model_of(BASIC), part).ok
    assert t7convert.verify(model_of(BASIC), part, until="modules[4]").ok
    with pytest.raises(SelectionError, match=r"holds the whole network.*without --until"):
        t7convert.verify(model_of(BASIC), whole, until="modules[4]")
    with pytest.raises(SelectionError, match=r"up to modules\[4\], not the part up to"):
        t7convert.verify(model_of(BASIC), part, until="modules[3]")


def test_a_graph_of_fixed_shape_gets_inputs_of_it(tmp_path: Path) -> None:
    out = tmp_path / "out.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs.write_kind(model_of(BASIC), out, "pt2", dynamic=False, input_shape=(1, 3, 48, 33))
    report = t7convert.verify(model_of(BASIC), out)

    assert report.ok, str(report)
    assert list(report.inputs.values()) == ["1x3x48x33"]


def test_a_graph_runs_in_its_own_dtype(tmp_path: Path) -> None:
    out = tmp_path / "out.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs.write_kind(model_of("checkpoint-table"), out, "pt2", dtype="float64")
    report = t7convert.verify(model_of("checkpoint-table"), out)

    assert report.ok, str(report)
    assert report.dtype == "float64"
    assert "--dtype float32: the graph runs in float64 on the CPU" in report.limits


@pytest.mark.parametrize("kind", ["npz", "safetensors", "pth"])
def test_tensors_of_another_dtype_are_compared_after_the_cast(tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"out.{kind}"
    if kind == "pth":
        t7convert.convert(model_of(BASIC), out, dtype="float16", verify=False, state_dict_only=True)
    else:
        outputs.write_kind(model_of(BASIC), out, kind, dtype="float16")
    report = t7convert.verify(model_of(BASIC), out, dtype="float16")

    assert report.ok, str(report)


def test_a_t7_of_another_type(made: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.t7"
    t7convert.to_torch7(made(BASIC, "pt"), out, type="double")

    assert t7convert.verify(model_of(BASIC), out).ok


def test_untied_safetensors_are_compared_name_by_name(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    outputs.write_kind(model_of(BASIC), out, "safetensors", untie=True)
    report = t7convert.verify(model_of(BASIC), out)

    assert report.ok
    assert "untied" in report.limits[0]


@pytest.mark.parametrize("kind", ["npz", "json", "py", "pt2", "onnx", "t7"])
def test_files_that_are_none_are_named(tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"out.{kind}"
    out.write_bytes(b"\x00\x01nothing of the kind\xff")
    if kind == "onnx":
        pytest.importorskip("onnx")
    with pytest.raises(t7convert.T7Error, match=re.escape(str(out))):
        t7convert.verify(model_of(BASIC), out)
    if kind == "py":
        out.write_text("x = 1\n")
        with pytest.raises(CheckpointError, match="no load"):
            t7convert.verify(model_of(BASIC), out)


def test_assert_parity_still_fails_as_an_assertion(made: Any) -> None:
    from t7convert.testing import assert_parity  # noqa: PLC0415

    with pytest.raises(ParityError):
        assert_parity(t7convert.to_module(model_of("resnet-basic")), model_of(BASIC))


def test_a_shrunk_file_with_several_networks(tmp_path: Path) -> None:
    one, two = t7convert.load(model_of("transposed-tie")), t7convert.load(model_of("resnet-basic"))
    t7convert.save({"first": one, "second": two, "epoch": 3}, tmp_path / "both.t7")
    command = ["shrink", str(tmp_path / "both.t7"), str(tmp_path / "small.t7"), "--gradients"]
    assert CliRunner().invoke(main, command).exit_code == 0
    packed = tmp_path / "small.t7.xz"
    packed.write_bytes(lzma.compress((tmp_path / "small.t7").read_bytes()))

    assert t7convert.verify(tmp_path / "both.t7", packed, select="first").ok
    assert t7convert.verify(tmp_path / "both.t7", packed, select="second").ok
    with pytest.raises(SelectionError):
        t7convert.verify(tmp_path / "both.t7", packed)


def test_a_folded_normalisation_may_share_all_with_one_that_stays(tmp_path: Path) -> None:
    """The exporter folds the second into the convolution; what they share stands there once."""
    pytest.importorskip("onnx")
    rng = np.random.default_rng(0)
    shared = {name: tensor(rng.uniform(1, 2, 2)) for name in STATISTICS}
    sizes = {"nInputPlane": 2, "nOutputPlane": 2, "kW": 1, "kH": 1, "dW": 1, "dH": 1}
    weight = tensor(rng.standard_normal((2, 2, 1, 1)))
    model = sequential(
        obj("nn.SpatialBatchNormalization", 2, eps=1e-5, momentum=0.1, **shared),
        obj("nn.SpatialConvolution", padW=0, padH=0, **sizes, weight=weight),
        obj("nn.SpatialBatchNormalization", 2, eps=1e-5, momentum=0.1, **shared),
    )
    t7convert.save(model, tmp_path / "model.t7")
    t7convert.convert(tmp_path / "model.t7", tmp_path / "out.onnx")
    report = t7convert.verify(tmp_path / "model.t7", tmp_path / "out.onnx")

    assert report.ok, str(report)
    notes = [row.note for row in report.rows if row.path == "modules[2].weight"]
    assert [note.partition(" folded")[2] for note in notes] == [" into it, bit for bit"]
