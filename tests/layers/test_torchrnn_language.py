"""torch-rnn's classes against Torch7, against the reference, and on a published checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import t7convert
from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.lua import schema
from t7convert.lua.tree import build
from t7convert.nn.memory import forget, remember
from t7convert.nn.torchrnn_recurrent import LSTM, VanillaRNN
from t7convert.reference import Executor
from tests.build import obj, sequential, storage, table, tensor
from tests.layers.criterion_compare import compare_criterion, lua_object
from tests.layers.rnn_compare import check_golden, compare, lua, network, normal

CLASSES = "LSTM VanillaRNN LanguageModel TemporalAdapter TemporalCrossEntropyCriterion"
ONE = pytest.mark.parametrize("name", ["LSTM", "VanillaRNN"])


@pytest.mark.parametrize("name", CLASSES.split())
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, f"torchrnn.{name}")


def layer(name: str, inputs: int, hidden: int, *, remembers: bool = False) -> LuaObject:
    parts = 4 if name == "LSTM" else 1
    return obj(
        f"nn.{name}",
        input_dim=inputs,
        hidden_dim=hidden,
        weight=lua(inputs + hidden, parts * hidden),
        bias=lua(parts * hidden),
        remember_states=remembers,
        h0=tensor(np.empty(0)),
    )


def view(*size: int, dims: int) -> LuaObject:
    """Return a View with the sizes of some earlier batch, as files have it."""
    return obj("nn.View", size=storage(size, "Long"), numInputDims=dims, numElements=1)


def language_model(kind: str, *, batchnorm: bool, tokens: str = "abcde") -> LuaObject:
    size, vocabulary = 3, len(tokens)
    modules = [obj("nn.LookupTable", weight=lua(vocabulary, 2), paddingValue=0)]
    views: list[list[LuaObject]] = [[], []]
    for inputs in (2, size):
        modules.append(layer(kind, inputs, size, remembers=True))
        if batchnorm:
            views[0].append(view(8, -1, dims=3))
            views[1].append(view(2, 4, -1, dims=2))
            norm = obj("nn.BatchNormalization", 2, weight=lua(size), bias=lua(size))
            norm.payload["running_mean"] = lua(size)
            norm.payload["running_var"] = tensor(np.full(size, 1.5))
            norm.payload["eps"] = 1e-5
            modules += [views[0][-1], norm, views[1][-1]]
    last = [view(8, -1, dims=3), view(2, 4, -1, dims=2)]
    linear = obj("nn.Linear", weight=lua(vocabulary, size), bias=lua(vocabulary))
    modules += [last[0], linear, last[1]]
    made = obj(
        "nn.LanguageModel",
        net=sequential(*modules),
        view1=last[0],
        view2=last[1],
        rnn_size=size,
        vocab_size=vocabulary,
        idx_to_token=table(*tokens),
    )
    if batchnorm:
        made.payload["bn_view_in"] = table(*views[0])
        made.payload["bn_view_out"] = table(*views[1])
    return made


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (3, 1), (2, 5)])
@pytest.mark.parametrize("remembers", [False, True])
@ONE
def test_shapes(name: str, remembers: bool, shape: tuple[int, int]) -> None:
    x = [normal(*shape, 4), normal(*shape, 4), normal(shape[0], 2, 4)]
    first, again, _ = compare(layer(name, 4, 3, remembers=remembers), [x[0], x[0], x[1]])
    assert np.allclose(first, again) is not remembers
    compare(layer(name, 4, 3, remembers=remembers), x)


@pytest.mark.parametrize("remembers", [False, True])
@pytest.mark.parametrize("pattern", ["h hx", "ch x x", "x ch x", "h x h x", "ch h x x"])
@ONE
def test_given_states(name: str, remembers: bool, pattern: str) -> None:
    """What is remembered depends on which states Lua has made itself so far."""
    if name == "VanillaRNN":
        pattern = pattern.replace("c", "")
    calls = []
    for word in pattern.split():
        states = [normal(2, 3) for letter in word if letter in "ch"]
        calls.append([*states, normal(2, 4, 5)] if states else normal(2, 4, 5))
    compare(layer(name, 5, 3, remembers=remembers), calls)


@ONE
def test_memory_can_be_forgotten_and_set(name: str) -> None:
    x = torch.from_numpy(normal(2, 3, 4))
    net = network(layer(name, 4, 3, remembers=True))
    first, second = net(x), net(x)
    assert not torch.allclose(first, second)
    assert torch.equal(forget(net)(x), first)
    assert torch.equal(net.train().eval()(x), second)  # a change of mode forgets nothing
    assert torch.equal(copy.deepcopy(net)(x), net(x))
    remember(net, "neither")
    assert torch.equal(net(x), first)
    with pytest.raises(RuntimeError, match="call forget"):
        remember(net, "both")(x[:1])
    executor, tree = Executor(), build(layer(name, 4, 3, remembers=True))
    executor.run(tree, x.numpy())
    with pytest.raises(ConversionError, match="batch sizes must be the same"):
        executor.run(tree, x[:1].numpy())


@ONE
def test_refusals(name: str) -> None:
    made = layer(name, 4, 3)
    net = network(made)
    x = normal(2, 3, 4)
    for wrong in (x[0], x[:, :, :2]):
        with pytest.raises(RuntimeError, match="batch x steps x 4 expected"):
            net(torch.from_numpy(wrong))
        with pytest.raises(ConversionError, match="batch x steps x input_dim"):
            Executor().call(build(made), wrong)
    with pytest.raises(RuntimeError, match="a state of 2 x 3 expected"):
        net([torch.zeros(1, 3).double(), torch.from_numpy(x)])
    with pytest.raises(RuntimeError, match="states, expected at most"):
        net([torch.zeros(2, 3).double()] * 3 + [torch.from_numpy(x)])


@pytest.mark.parametrize("kind", [LSTM, VanillaRNN])
def test_new_layers_are_drawn_as_in_lua(kind: Any) -> None:
    torch.manual_seed(3)
    made = kind(30, 70)
    assert abs(float(made.weight.detach().std()) - 0.1) < 0.01
    forget_gate = made.bias[70:140].tolist() if kind is LSTM else []
    assert forget_gate == [1.0] * len(forget_gate)
    assert float(made.bias.detach().sum()) == len(forget_gate)


@pytest.mark.parametrize("batchnorm", [False, True])
@ONE
def test_language_model(name: str, batchnorm: bool) -> None:
    made = language_model(name, batchnorm=batchnorm)
    tokens = [np.array([[1, 5, 2], [3, 3, 4]]), np.array([[2], [1]])]
    first, _ = compare(made, tokens, gradient=False)
    net = network(made)
    assert torch.allclose(net.forget()(torch.from_numpy(tokens[0])), torch.from_numpy(first))
    assert net.encode("cab").tolist() == [3, 1, 2]
    assert net.decode(net.encode("cab")) == "cab"
    net.train()(torch.from_numpy(tokens[0])).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_language_model_writes() -> None:
    net = network(language_model("LSTM", batchnorm=False))
    torch.manual_seed(5)
    text = net.sample(12, "ab", temperature=0.5)
    torch.manual_seed(5)
    assert net.sample(12, "ab", temperature=0.5) == text
    assert len(text) == 12
    assert text.startswith("ab")
    assert len(net.sample(3)) == 3
    likely = net.sample(9, "c", temperature=0)
    scores = net.forget()(net.encode(likely)[None])[0]
    expected = [net.tokens[int(place) + 1] for place in scores.argmax(1)]
    assert list(likely[1:]) == expected[:-1]
    with pytest.raises(KeyError):
        net.encode("?")


def test_token_tables_with_holes() -> None:
    made = language_model("LSTM", batchnorm=False)
    made.payload["idx_to_token"] = table()
    made.payload["idx_to_token"][2.0] = "b"
    made.payload["idx_to_token"][5.0] = "e"
    assert network(made).tokens == {2: "b", 5: "e"}


def test_a_view_that_net_lacks_is_refused() -> None:
    made = language_model("LSTM", batchnorm=False)
    made.payload["view1"] = view(1, -1, dims=3)
    with pytest.raises(ConversionError, match="net lacks a module that bn_view_in or view1 names"):
        network(made)
    made.payload["net"] = obj("nn.ConcatTable", modules=made.payload["net"].payload["modules"])
    made.payload["view1"] = made.payload["net"].payload["modules"].list()[-3]
    with pytest.raises(ConversionError, match=r"expected an nn\.Sequential"):
        network(made)


@pytest.mark.parametrize("shape", [(2, 3), (1, 1), (4, 1), (1, 4)])
def test_temporal_adapter(shape: tuple[int, int]) -> None:
    views = view(6, -1, dims=3), view(2, 3, -1, dims=2)
    linear = obj("nn.Linear", weight=lua(5, 4), bias=lua(5))
    net = sequential(views[0], linear, obj("nn.Tanh"), views[1])
    adapter = obj("nn.TemporalAdapter", net=net, view_in=views[0], view_out=views[1])
    compare(adapter, [normal(*shape, 4)])


@pytest.mark.parametrize("averages", [(True, False), (False, True), (True, True), (False, False)])
def test_criterion(averages: Sequence[bool]) -> None:
    criterion = lua_object(
        "nn.TemporalCrossEntropyCriterion", batch_average=averages[0], time_average=averages[1]
    )
    x, target = normal(2, 5, 3), np.array([[1, 0, 3, 2, 2], [0, 0, 0, 1, 0]])
    loss, _ = compare_criterion(criterion, x, target)
    rows = torch.from_numpy(x).view(-1, 3).log_softmax(1)
    expected = sum(-float(rows[i, c - 1]) for i, c in enumerate(target.reshape(-1)) if c)
    scale = (2 if averages[0] else 1) * (5 if averages[1] else 1)
    assert loss == pytest.approx(expected / scale, rel=1e-12)
    nothing, gradient = compare_criterion(criterion, x, np.zeros((2, 5)))
    assert nothing == 0
    assert not gradient[0].any()
    with pytest.raises(RuntimeError, match=r"\(N, T, C\) scores"):
        network(criterion)(torch.from_numpy(x), torch.ones(2, 4))


def test_namesakes_are_told_apart_by_their_fields() -> None:
    def row_of(made: LuaObject) -> str | None:
        found = schema.find(made.typename, made.payload)
        return None if found is None else found.name

    assert row_of(layer("LSTM", 2, 2)) == "nn.LSTM@torch-rnn"
    assert row_of(obj("nn.LSTM", recurrentModule=1)) == "nn.LSTM@rnn"
    assert row_of(obj("nn.LSTM", modules=1)) == "nn.LSTM@torch/rnn"
    assert row_of(language_model("LSTM", batchnorm=False)) == "nn.LanguageModel@torch-rnn"
    assert row_of(obj("nn.LanguageModel", core=1, lookup_table=1)) == "nn.LanguageModel@neuraltalk2"
    assert row_of(obj("nn.LanguageModel")) is None


def test_export() -> None:
    net: nn.Module = network(language_model("LSTM", batchnorm=True))
    tokens = torch.tensor([[1, 5, 2], [3, 3, 4]])
    program = torch.export.export(net, (tokens,), strict=False)
    forget(net)
    assert torch.allclose(program.module()(tokens), net(tokens), rtol=1e-12)


def test_published_checkpoint(shared: Path) -> None:
    (path,) = (shared / "zoo" / "danhon+british-placenames").rglob("*.t7")
    net: Any = t7convert.to_module(path)
    assert t7convert.verify(path).ok
    torch.manual_seed(0)
    text = net.sample(60, "Lower ")
    assert text.startswith("Lower ")
    assert len(text) == 60
