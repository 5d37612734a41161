"""Networks that came from a .t7 go back: numbers, ties, fields, graphs; other readers agree."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import t7convert
from t7convert.api import to_converted
from t7convert.conversion.network import convert_object
from t7convert.export.checkpoint import architecture_json, compact_state, rebuild
from t7convert.export.torch7 import fields
from t7convert.export.torch7.network import torch7_object
from t7convert.format.objects import LuaObject
from t7convert.lua import find
from tests import torch7_fields
from tests.build import obj, tensor
from tests.conftest import FIXTURES
from tests.export import torch7_compare
from tests.golden import arrays, cases, leaves, tensors
from tests.test_nets import NETS, net

#: Networks that OpenCV reads and computes rightly from the files that Torch7 itself wrote; others
#: are graphs, or have module objects in several places, strides, or layers that it doesn't know.
FOR_OPENCV = ("sharesnet", "resnet", "wide", "checkpoint", "inception")
FOR_OPENCV += ("partly", "shortcut", "tied-slice", "unfolded")
#: Fields that clearState takes away, and the constructor makes, as the way back does; and parts of
#: a normalisation that evaluate() doesn't reach in Lua, so that they lack `train`.
OTHER_FIELDS = ("memory", "tied-embedding", "unpooling", "contrast")
LAYERS = sorted(path.name.split(".t7")[0] for path in (FIXTURES / "layers").iterdir())


def back(model: Path, folder: Path, **options: Any) -> Path:
    """Convert a network to .pt and back to .t7."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        t7convert.convert(model, folder / "a.pt", verify=False, force=True)
    t7convert.to_torch7(folder / "a.pt", folder / "a.t7", force=True, **options)
    return folder / "a.t7"


def assert_same_network(first: Any, second: Any) -> None:
    """Compare structure, numbers and ties."""
    a, b = (
        convert_object(each) if isinstance(each, LuaObject) else to_converted(each)
        for each in (first, second)
    )
    mine, theirs = a.network.state_dict(), b.network.state_dict()

    assert list(mine) == list(theirs)
    for key, value in mine.items():
        assert torch.equal(value, theirs[key]), key
    assert a.ties() == b.ties()
    assert (a.architecture, str(a.network)) == (b.architecture, str(b.network))


@pytest.mark.parametrize("flatten", [False, True])
@pytest.mark.parametrize("name", NETS)
def test_numbers_and_ties_of_networks_come_back(name: str, flatten: bool, tmp_path: Path) -> None:
    model, _ = net(name)

    assert_same_network(model, back(model, tmp_path, flatten=flatten))


@pytest.mark.parametrize("name", [name for name in NETS if name not in OTHER_FIELDS])
def test_every_object_has_the_fields_that_torch7_wrote(name: str, tmp_path: Path) -> None:
    model, _ = net(name)
    golden = find.model(t7convert.load(model), None)[1]
    written = t7convert.load(back(model, tmp_path))

    # a share whose partner is no part of the network can't be told from an unshared weight
    assert torch7_compare.fields(golden, without=("shared",)) == torch7_compare.fields(
        written, without=("shared",)
    )
    # Lua's output is a tensor before the first pass and a table after it, in some classes
    passing = {"output", "gradInput", "shared"}
    theirs = {row for row in torch7_compare.kinds(golden) if row[1] not in passing}
    assert {row for row in torch7_compare.kinds(written) if row[1] not in passing} == theirs


@pytest.mark.parametrize("name", [name for name in NETS if name.startswith("nngraph")])
def test_graphs_are_wired_as_nngraph_wires_them(name: str, tmp_path: Path) -> None:
    model, _ = net(name)
    golden = find.model(t7convert.load(model), None)[1]
    written = t7convert.load(back(model, tmp_path))
    pairs = [
        [o for o in torch7_fields.objects(root) if o.typename == "nn.gModule"]
        for root in (golden, written)
    ]

    assert len(pairs[0]) == len(pairs[1]) > 0
    for theirs, ours in zip(*pairs, strict=True):
        assert torch7_compare.graph(ours) == torch7_compare.graph(theirs)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_come_back(name: str) -> None:
    for label, case in cases(FIXTURES / "layers" / f"{name}.t7.xz"):
        first = convert_object(case["module"])
        again = rebuild(architecture_json(first), compact_state(first.network), name=label)
        file = io.BytesIO()
        t7convert.save(torch7_object(again, type="double"), file)
        written = t7convert.load(file.getvalue())

        assert_same_network(case["module"], written)
        missing = [
            (theirs[0], sorted(set(theirs[2]) - set(ours[2])))
            for theirs in torch7_compare.fields(case["module"])
            for ours in torch7_compare.fields(written)
            if ours[0] == theirs[0] and not name.startswith("cudnn")
        ]
        assert not [row for row in missing if row[1] and row[0] == f"nn.{name}"]
        _same_output(case, written)


COMMUNITY = sorted(path.name.split(".t7")[0] for path in (FIXTURES / "community").iterdir())


@pytest.mark.parametrize("package", sorted({name.split(".")[0] for name in COMMUNITY}))
def test_classes_of_packages_come_back(package: str) -> None:
    for name in (name for name in COMMUNITY if name.split(".")[0] == package):
        for label, case in cases(FIXTURES / "community" / f"{name}.t7.xz"):
            first = convert_object(case["module"])
            again = rebuild(architecture_json(first), compact_state(first.network), name=label)
            file = io.BytesIO()
            t7convert.save(torch7_object(again), file)
            written = t7convert.load(file.getvalue())

            assert_same_network(case["module"], written)
            # what Lua code needs is what the file had, whatever the class
            theirs, ours = (torch7_compare.kinds(root) for root in (case["module"], written))
            own = {row for row in theirs if row[0] == case["module"].typename}
            assert {row[:2] for row in own} <= {row[:2] for row in ours}


def _same_output(case: Any, written: LuaObject) -> None:
    if "input" not in case or "target" in case or case.get("mode") == "training":
        return
    torch.manual_seed(0)
    a = convert_object(case["module"]).network(tensors(arrays(case["input"])))
    torch.manual_seed(0)
    b = convert_object(written).network(tensors(arrays(case["input"])))
    for x, y in zip(leaves(a), leaves(b), strict=True):
        assert torch.allclose(x, y, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", NETS)
def test_torchfile_reads_the_same(name: str, tmp_path: Path) -> None:
    written = back(net(name)[0], tmp_path)
    ours, theirs = t7convert.load(written), t7convert.load(written, reader="torchfile")

    assert torch7_compare.kinds(ours) == torch7_compare.kinds(theirs)
    assert_same_network(ours, theirs)


@pytest.mark.parametrize("flatten", [False, True])
@pytest.mark.parametrize("name", [name for name in NETS if name.startswith(FOR_OPENCV)])
def test_opencv_computes_what_torch7_computed(name: str, flatten: bool, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2.dnn, "readNetFromTorch"):
        pytest.skip("this OpenCV has no importer for Torch")
    model, recorded = net(name)
    network = cv2.dnn.readNetFromTorch(str(back(model, tmp_path, flatten=flatten)), True, True)
    network.setInput(np.ascontiguousarray(recorded["input"].astype(np.float32)))
    found, expected = network.forward(), recorded["output"]

    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_flat_parameters_are_views_of_one_storage(tmp_path: Path) -> None:
    root = t7convert.load(back(net("sharesnet-basic")[0], tmp_path, flatten=True))
    modules = [o for o in torch7_fields.objects(root) if "weight" in (o.payload or {})]
    weights = {id(o["weight"].storage) for o in modules}
    slopes = {id(o["gradWeight"].storage) for o in modules}
    unique = t7convert.inspect(root).networks[0].parameters.unique

    assert len(weights) == len(slopes) == 1
    assert not weights & slopes
    assert modules[0]["weight"].storage.size == unique


def test_without_gradients_the_file_is_half(tmp_path: Path) -> None:
    model, _ = net("sharesnet-basic")
    whole = back(model, tmp_path).stat().st_size
    bare = back(model, tmp_path, gradients=False)

    assert bare.stat().st_size < 0.6 * whole
    assert not any(
        str(key).startswith("grad") and key != "gradInput"
        for o in torch7_fields.objects(t7convert.load(bare))
        for key in o.fields
    )
    assert_same_network(model, bare)


@pytest.mark.parametrize("kind", ["Float", "Double", "Cuda"])
def test_types(kind: Any, tmp_path: Path) -> None:
    written = t7convert.load(back(net("sharesnet-basic")[0], tmp_path, type=kind.lower()))
    types = {row[2] for row in torch7_compare.kinds(written) if row[2].endswith("Tensor")}

    assert types == {f"torch.{kind}Tensor", "torch.LongTensor"}
    assert {o["_type"] for o in torch7_fields.objects(written)} == {f"torch.{kind}Tensor"}


@pytest.mark.parametrize("backend", ["nn", "cudnn"])
def test_backends_compute_the_same(backend: Any, tmp_path: Path) -> None:
    model, recorded = net("sharesnet-basic")
    written = back(model, tmp_path, backend=backend)
    classes = {o.typename for o in torch7_fields.objects(t7convert.load(written))}
    given = torch.from_numpy(np.array(recorded["input"]))
    with torch.no_grad():
        output = t7convert.to_module(written)(given)

    assert any(c.startswith("cudnn.") for c in classes) == (backend == "cudnn")
    assert "nn.SpatialConvolution" not in classes or backend == "nn"
    assert np.abs(output.numpy() - recorded["output"]).max() < 1e-4


def test_standard_deviations_of_old_files_become_variances(tmp_path: Path) -> None:
    ones = np.ones(3)
    old = obj(
        "nn.BatchNormalization",
        1,
        running_mean=tensor(ones),
        running_std=tensor(1 / np.sqrt(np.array([1.0, 4.0, 9.0]) + 1e-5)),
        weight=tensor(ones),
        bias=tensor(ones),
        eps=1e-5,
        momentum=0.1,
    )
    t7convert.save(old, tmp_path / "old.t7")
    written = t7convert.load(back(tmp_path / "old.t7", tmp_path))

    assert written.version == 2
    assert "running_std" not in written.fields
    assert np.allclose(written["running_var"].numpy(), [1, 4, 9], rtol=1e-12)


def test_fine_tuned_values_go_back_in_the_old_structure(tmp_path: Path) -> None:
    model, _ = net("nngraph-unet")
    t7convert.convert(model, tmp_path / "a.pt", verify=False)
    network = t7convert.load_model(tmp_path / "a.pt")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.25)
    t7convert.to_torch7(network, tmp_path / "b.t7", like=tmp_path / "a.pt")
    again = t7convert.to_module(tmp_path / "b.t7")

    assert t7convert.load(tmp_path / "b.t7").typename == "nn.gModule"
    for key, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])


def test_the_table_of_fields_is_what_the_golden_files_say() -> None:
    assert json.loads(fields.TABLE.read_text()) == json.loads(torch7_fields.text())
