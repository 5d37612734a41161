"""The modules that load_lua returns are changed, cast, copied and trained as before 1.0."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch

from t7convert.compat import load_lua, nn
from tests.build import linear, obj, sequential, table, tensor
from tests.compat.loaded import loaded
from tests.conftest import FIXTURES


def test_fields_are_those_of_the_network_that_runs(tmp_path: Path) -> None:
    net = loaded(sequential(linear(2, 3), obj("nn.ReLU", val=0, threshold=0)), tmp_path)
    x = torch.ones(1, 2, dtype=torch.float64)
    first = net.forward(x)

    assert type(net.get(0)).__name__ == "Linear"
    assert isinstance(net.get(0), nn.Linear)
    assert isinstance(net, nn.Module)
    assert net.get(1).value == 0
    assert len(net) == net.size() == len(net.modules) == 2
    torch.testing.assert_close(first, (x @ net.modules[0].weight.T + net.get(0).bias).relu())
    net.get(0).weight.zero_()
    net.get(0).bias.fill_(2)
    assert net.forward(x).tolist() == [[2, 2, 2]]
    assert net.output.tolist() == net.modules[0].output.tolist() == [[2, 2, 2]]
    net.get(0).bias = torch.full((3,), 4.0, dtype=torch.float64)
    assert net.forward(x).tolist() == [[4, 4, 4]]
    assert net.get(0).forward(x).tolist() == [[4, 4, 4]]


def test_ties_are_kept_through_casts_and_copies(tmp_path: Path) -> None:
    weight = tensor([[1.0, 2.0], [3.0, 4.0]])
    root = sequential(linear(2, 2, weight=weight), linear(2, 2, weight=weight))
    net = loaded(root, tmp_path)
    for changed in (net, net.float(), net.clone(), net.double(), net.half().float()):
        weights, gradients = changed.parameters()
        assert len(weights) == len(gradients) == 4
        assert weights[0].data_ptr() == weights[2].data_ptr()
        assert len(list(changed.network.parameters())) == 3
    assert net.type() == "torch.FloatTensor"
    assert net.cpu().get(0).weight.device.type == "cpu"
    assert net.type(torch.float32) is net
    assert net.forward(torch.ones(1, 2)).dtype == torch.float32
    with pytest.raises(ValueError, match="no type of modules"):
        net.type("torch.LongTensor")


def test_saving_with_torch_keeps_modules(tmp_path: Path) -> None:
    net = loaded(sequential(linear(2, 2)), tmp_path)
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    x = torch.ones(1, 2, dtype=torch.float64)

    assert type(again) is type(net)
    assert torch.equal(again.forward(x), net.forward(x))


def test_containers_can_be_changed(tmp_path: Path) -> None:
    net = loaded(sequential(linear(2, 3), linear(3, 4), linear(4, 5)), tmp_path)
    x = torch.ones(1, 2, dtype=torch.float64)
    whole = net.forward(x)
    last = net.remove()
    assert net.forward(x).shape == (1, 4)
    net.modules = net.modules[:1]
    assert net.forward(x).shape == (1, 3)
    net.modules.append(last)
    with pytest.raises(RuntimeError):
        net.forward(x)
    net.remove()
    net.insert(0, nn.Sequential())
    assert net.forward(x).shape == (1, 3)
    outer = nn.Sequential().add(loaded(sequential(linear(2, 3)), tmp_path))
    assert outer.forward(x).shape == (1, 3)
    assert whole.shape == (1, 5)
    with pytest.raises(TypeError, match="comes from files only"):
        nn.Linear()
    with pytest.raises(AttributeError, match=r"no Lua class nn\.NoSuchThing"):
        nn.NoSuchThing  # noqa: B018


def test_positions_count_from_0_as_load_lua_had_them(tmp_path: Path) -> None:
    swaps = table(table(2, 3))
    root = table(
        obj("nn.Transpose", permutations=swaps, numPermutations=1),
        obj("nn.Transpose", permutations=swaps, numPermutations=1),
        obj("nn.Select", dimension=2, index=-1),
        obj("nn.Sum", dimension=1),
        obj("nn.Sum", dimension=-1),
        obj("nn.Unsqueeze", pos=2),
    )
    first, second, select, total, last, unsqueeze = loaded(root, tmp_path)
    x = torch.arange(24.0).view(2, 3, 4)

    assert first.permutations == second.permutations == [[1, 2]]
    assert (select.dimension, select.index) == (1, -2)
    assert (total.dimension, last.dimension) == (0, -1)
    assert unsqueeze.dim == 1
    torch.testing.assert_close(second.forward(x), x.transpose(1, 2))
    torch.testing.assert_close(select.forward(x), x[:, -1])
    torch.testing.assert_close(total.forward(x), x.sum(0))
    torch.testing.assert_close(last.forward(x), x.sum(-1))
    torch.testing.assert_close(unsqueeze.forward(x), x.unsqueeze(1))
    total.dimension = 1
    torch.testing.assert_close(total.forward(x), x.sum(1))


def test_training_and_evaluation_are_those_of_the_file_and_of_the_user(tmp_path: Path) -> None:
    norm = obj("nn.BatchNormalization", version=1, eps=0.5, momentum=0.1, affine=False, train=False)
    norm.fields["running_mean"] = tensor([1.0])
    norm.fields["running_std"] = tensor([0.5])
    net = loaded(sequential(norm), tmp_path)
    x = torch.tensor([[1.0], [3.0]], dtype=torch.float64)

    assert net.get(0).running_var.tolist() == [3.5]
    assert net.get(0).running_std is None
    assert net.forward(x).tolist() == [[0], [1]]
    net.training()
    assert net.forward(x).sum().abs() < 1e-12
    assert net.get(0).running_mean.item() == pytest.approx(1.1)
    net.evaluate()
    assert net.get(0).train is False


def test_finding_modules(tmp_path: Path) -> None:
    net = loaded(sequential(linear(1, 1), sequential(linear(1, 1))), tmp_path)
    found, holders = net.findModules("nn.Linear")

    assert [type(module).__name__ for module in net.listModules()] == [
        "Sequential",
        "Linear",
        "Sequential",
        "Linear",
    ]
    assert found == [net.get(0), net.get(1).get(0)]
    assert holders == [net, net.get(1)]
    assert repr(net).splitlines()[1] == "  (0): nn.Linear"
    net.forward(torch.ones(1, 1, dtype=torch.float64))
    assert net.clearState().output.numel() == 0


def test_criterions_take_an_input_and_a_target() -> None:
    for case in load_lua(FIXTURES / "layers/MSECriterion.t7.xz").cases:
        assert float(case.module.forward(case.input, case.target)) == pytest.approx(case.loss)


def test_gradients_in_training_belong_to_the_forward_before(tmp_path: Path) -> None:
    net = loaded(sequential(linear(2, 3), obj("nn.Dropout", p=0.5, v2=True)), tmp_path)
    net.training()
    x = torch.ones(4, 2, dtype=torch.float64)
    torch.manual_seed(0)
    output = net.forward(x)
    gradient = net.backward(x, torch.ones_like(output))
    kept = (output != 0).to(torch.float64) * 2

    torch.testing.assert_close(gradient, kept @ net.get(0).weight)
    torch.testing.assert_close(net.gradInput, gradient)
    weight = net.network.get_parameter("0.weight")
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, kept.T @ x)
    assert not output.requires_grad
