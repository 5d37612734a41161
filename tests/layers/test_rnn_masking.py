"""Masking, small modules and criterions of the recurrent packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.errors import ConversionError
from t7convert.nn.memory import set_zero_mask
from t7convert.nn.rnn_simple import LazyDropout
from tests.build import obj, table, tensor
from tests.layers.rnn_compare import (
    check_fixtures,
    check_golden,
    compare,
    linear,
    lua,
    network,
    normal,
    recurrence,
    sequencer,
)

CLASSES = """
rnn.MaskZero rnn.TrimZero rnn.LookupTableMaskZero rnn.ZeroGrad rnn.CopyGrad rnn.LinearNoBias
rnn.SAdd rnn.Dropout rnn.SeqReverseSequence trnn.LookupTableMaskZero trnn.MaskZero
trnn.ReverseSequence
"""


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, name)


@pytest.mark.parametrize("name", CLASSES.split())
def test_fixtures(name: str) -> None:
    check_fixtures(name)


def mask_zero(module: Any, dims: int = 1) -> Any:
    """Return Element-Research's nn.MaskZero."""
    return obj("nn.MaskZero", modules=table(module), nInputDim=dims)


def given_mask(module: Any, mask: Any = None, **fields: Any) -> Any:
    """Return torch/rnn's nn.MaskZero."""
    if mask is not None:
        fields["zeroMask"] = tensor(mask, "Byte")
    return obj("nn.MaskZero", modules=table(module), **{"v2": True, "maskoutput": True, **fields})


def sequential(*modules: Any) -> Any:
    return obj("nn.Sequential", modules=table(*modules))


def with_zeros(*shape: int) -> Any:
    x = normal(*shape)
    x[1] = 0
    return x


ENDS = {
    "leaf": linear(2, 3),
    "last of a Sequential": sequential(linear(2, 4), obj("nn.Tanh"), linear(4, 3)),
    "not the last": sequential(linear(2, 3), obj("nn.Tanh")),
    "nested": sequential(linear(2, 4), sequential(linear(4, 3))),
}


@pytest.mark.parametrize("module", ENDS.values(), ids=ENDS.keys())
def test_rows_of_zeros(module: Any) -> None:
    (y,) = compare(mask_zero(module), [with_zeros(4, 2)])

    assert (y[1] == 0).all()
    assert (y[[0, 2, 3]] != 0).any(1).all()
    compare(mask_zero(module), [normal(2)])
    (y,) = compare(mask_zero(module), [np.zeros(2)])
    assert (y == 0).all()
    compare(given_mask(module, [0, 1, 0, 0]), [normal(4, 2)])
    compare(given_mask(module, v2=False), [with_zeros(4, 2)])


def test_the_bias_at_the_end_gets_the_gradient_of_masked_rows() -> None:
    """MaskZero.lua masks in updateGradInput only; accGradParameters is Decorator's."""
    net = network(mask_zero(linear(2, 3)))
    net(torch.from_numpy(with_zeros(4, 2))).sum().backward()
    assert net[0].bias.grad.tolist() == [4, 4, 4]
    net = network(mask_zero(sequential(linear(2, 3), obj("nn.Identity"))))
    net(torch.from_numpy(with_zeros(4, 2))).sum().backward()
    assert net[0][0].bias.grad.tolist() == [3, 3, 3]


def test_statistics_are_counted_once() -> None:
    norm = obj(
        "nn.BatchNormalization",
        weight=lua(2),
        bias=lua(2),
        running_mean=tensor([0.0, 0]),
        running_var=tensor([1.0, 1]),
    )
    net = network(mask_zero(norm)).train()
    x = torch.from_numpy(normal(4, 2))
    net(x)

    assert torch.allclose(net[0].running_mean, x.mean(0) * 0.1)


def test_tables() -> None:
    """The first tensor says what is masked; every tensor of the output is."""
    both = obj("nn.ParallelTable", modules=table(linear(2, 3), linear(3, 2)))
    x = [with_zeros(4, 2), normal(4, 3)]
    for decorated in (mask_zero(both), given_mask(both, [0, 1, 0, 0])):
        (y,) = compare(decorated, [x])

        assert all((part[1] == 0).all() for part in y)
        assert all((part[0] != 0).all() for part in y)


def test_several_dimensions() -> None:
    view = obj("nn.Reshape", size=table(6), nelement=6)
    x = normal(4, 2, 3)
    x[2] = 0

    compare(mask_zero(sequential(view, linear(6, 2)), 2), [x])
    with pytest.raises(RuntimeError, match="an input of 1 dimensions expected"):
        network(mask_zero(linear(2, 3)))(torch.zeros(1, 1, 2).double())


def test_masked_inputs() -> None:
    x = normal(4, 2)
    compare(given_mask(linear(2, 3), [0, 1, 0, 0], maskinput=True), [x])
    fields: dict[str, Any] = {"maskinput": True, "maskoutput": False}
    (y,) = compare(given_mask(linear(2, 3), [0, 1, 0, 0], **fields), [x])

    assert (y[1] != 0).all()  # the bias
    compare(given_mask(linear(2, 3), maskinput=True, zeroMask=False), [x])


def test_masks_of_steps_and_batch() -> None:
    mask = np.zeros((3, 2))
    mask[1, 1] = 1
    net = network(given_mask(obj("nn.Tanh")))
    with pytest.raises(RuntimeError, match="set_zero_mask must be called first"):
        net(torch.ones(3, 2, 4))
    set_zero_mask(net, torch.from_numpy(mask))
    y = net(torch.ones(3, 2, 4))

    assert (y == 0).sum() == 4
    assert (y[1, 1] == 0).all()
    compare(given_mask(obj("nn.Tanh"), mask), [normal(3, 2, 4)])
    with pytest.raises(RuntimeError, match="the zero mask is"):
        net(torch.ones(2, 2, 4))


def test_a_mask_inside_a_recurrence_restarts_it() -> None:
    inner = recurrence(2, 3)
    step = inner["modules"][1]
    module = obj("nn.Recurrence", modules=table(mask_zero(step)), outputSize=table(3), nInputDim=1)
    x = normal(5, 2, 2)
    x[2, 0] = 0
    (y,) = compare(sequencer(module), [x])
    (rest,) = compare(sequencer(module), [x[3:]])

    assert (y[2, 0] == 0).all()
    assert np.allclose(rest[:, 0], y[3:, 0])
    trimmed = obj("nn.TrimZero", modules=table(step), nInputDim=1)
    fields: dict[str, Any] = {"outputSize": table(3), "nInputDim": 1}
    (again,) = compare(sequencer(obj("nn.Recurrence", modules=table(trimmed), **fields)), [x])
    assert np.allclose(again, y)


def test_trim_zero() -> None:
    made = obj("nn.TrimZero", modules=table(sequential(linear(2, 3), obj("nn.Tanh"))), nInputDim=1)
    (y,) = compare(made, [with_zeros(4, 2)])

    assert (y[1] == 0).all()
    compare(made, [normal(4, 2)])
    compare(made, [normal(2)])
    for nothing in (np.zeros((3, 2)), np.zeros(2)):
        (y,) = compare(made, [nothing], gradient=False)
        assert y.shape == (*nothing.shape[:-1], 3)
        assert (y == 0).all()


def test_lookup_with_index_zero() -> None:
    made = obj("nn.LookupTableMaskZero", weight=lua(5, 3), paddingValue=0)
    index = np.array([[0, 4], [2, 0]])
    net = network(made)
    output = net(torch.from_numpy(index))
    output.sum().backward()

    assert (output[0, 0] == 0).all()
    assert torch.equal(output[0, 1], net.weight[4])
    assert net.weight.grad[:, 0].tolist() == [2, 0, 1, 0, 1]  # Lua's row 1 has one, too
    limited = obj("nn.LookupTableMaskZero", weight=lua(5, 3), maxNorm=0.5)
    for module in (made, limited):
        compare(module, [index, index[0]], gradient=False)


def test_dropout_in_evaluation() -> None:
    x = normal(3, 4)
    for p, v2, factor in (0.25, True, 1.0), (0.25, False, 0.75), (0, False, 1.0):
        made = obj("nn.Dropout", p=p, v2=v2, lazy=False, mono=False)
        (y,) = compare(made, [x])

        assert np.allclose(y, factor * x)
    net = network(obj("nn.Dropout", p=0.25, v2=False, lazy=True))
    given: Any = torch.from_numpy(x).requires_grad_()
    net(given).sum().backward()
    assert torch.allclose(given.grad, torch.tensor(1 / 0.75).double())  # Lua divides here


@pytest.mark.parametrize(("scaled", "kept"), [(True, 1 / 0.7), (False, 1.0)])
def test_dropout_in_training(scaled: bool, kept: float) -> None:
    torch.manual_seed(5)
    module = LazyDropout(0.3, scaled=scaled)
    mask = module(torch.ones(200, 100))

    assert sorted(mask.unique().tolist()) == [0.0, pytest.approx(kept)]
    assert abs((mask == 0).float().mean().item() - 0.3) < 0.02
    assert not torch.equal(mask, module(torch.ones(200, 100)))


def test_a_lazy_mask_serves_until_a_backward() -> None:
    module = LazyDropout(0.5, lazy=True)
    x: Any = torch.ones(50, 20, requires_grad=True)
    first, second = module(x), module(x)
    assert torch.equal(first, second)
    (first + second).sum().backward()

    assert torch.equal(x.grad, 2 * first)
    assert not torch.equal(module(x), first)
    assert module.double()(x.double()).dtype == torch.float64


def test_one_mask_for_the_batch() -> None:
    y = LazyDropout(0.5, mono=True)(torch.ones(4, 100))
    assert (y == y[:1]).all()
    x = torch.ones(4, 100)
    assert LazyDropout(0.5, inplace=True)(x) is x
    assert LazyDropout(0.5, inplace=True, scaled=False).eval()(x) is x
    assert repr(LazyDropout(0.5, lazy=True)) == "LazyDropout(p=0.5, scaled=True, lazy=True)"


def test_reversal() -> None:
    x = normal(2, 3, 4)
    for dim in (1, 2, 3):
        (y,) = compare(obj("nn.SeqReverseSequence", dim=dim), [x])
        assert np.array_equal(y, np.flip(x, dim - 1))
    compare(obj("nn.ReverseSequence"), [x])
    compare(obj("nn.ReverseSequence"), [list(x)])


def test_s_add() -> None:
    for shape in ((3,), (2, 3, 4)):
        compare(obj("nn.SAdd", addend=-1, negate=True), [normal(*shape)])
        compare(obj("nn.SAdd", addend=0.5), [normal(*shape)])


def test_what_cannot_be_understood() -> None:
    for name in ("MaskZero", "TrimZero"):
        with pytest.raises(ConversionError, match="it holds no module"):
            network(obj(f"nn.{name}", modules=table(), nInputDim=1))
