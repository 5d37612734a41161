"""neuraltalk2's caption model against Torch7 and against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.format.objects import LuaObject
from t7convert.lua.tree import build
from t7convert.reference import Executor
from tests import golden
from tests.build import linear, obj, sequential, table, tensor
from tests.layers.criterion_compare import compare_criterion, lua_object
from tests.layers.rnn_compare import check_golden, compare, lua, network, normal

WORDS, CODE, CELLS, STEPS = 4, 3, 2, 5


@pytest.mark.parametrize("name", ["FeatExpander", "LSTM", "LanguageModel"])
def test_golden(shared: Path, name: str) -> None:
    check_golden(shared, f"nt2.{name}")


def part(outputs: int, last: str) -> LuaObject:
    return sequential(
        obj("nn.JoinTable", dimension=1, nInputDims=1),
        linear(CODE + 2 * CELLS, outputs, seed=outputs),
        obj(last),
    )


def core() -> LuaObject:
    """Return something that takes [x, c1, h1] and gives [c1, h1, log probabilities]."""
    parts = part(CELLS, "nn.Sigmoid"), part(CELLS, "nn.Tanh"), part(WORDS + 1, "nn.LogSoftMax")
    return obj("nn.ConcatTable", modules=table(*parts))


def model(**fields: Any) -> LuaObject:
    lookup = obj("nn.LookupTable", weight=lua(WORDS + 1, CODE), paddingValue=0)
    made = {"core": core(), "lookup_table": lookup, "vocab_size": WORDS, "rnn_size": CELLS}
    made |= {"num_layers": 1, "seq_length": STEPS, "input_encoding_size": CODE, "num_state": 2}
    return obj("nn.LanguageModel", **{**made, **fields})


CAPTIONS = np.array([[2, 4, 1], [3, 1, 0], [1, 0, 0], [4, 0, 0], [0, 0, 0]])


def both(made: LuaObject, images: Any, tokens: Any) -> Any:
    """Check output and gradients; return the output."""
    converted, tree, executor = convert_tree(build(made)), build(made), Executor()
    given = torch.from_numpy(images).requires_grad_()
    output = converted.network.double()([given, torch.from_numpy(tokens)])
    call = executor.call(tree, [images, tokens])
    golden.assert_close("output", output, call.output, golden.OUTPUT_RTOL)
    gy = normal(*output.shape)
    output.backward(torch.from_numpy(gy))
    expected = call.backward(gy)
    golden.assert_close("gradInput", [given.grad], expected[:1], golden.GRADIENT_RTOL)
    places = golden.lua_parameters(tree)
    rows = [executor.gradients[id(module), name] for module, name in places]
    golden.assert_close(
        "gradParams", golden._bound_gradients(converted), rows, golden.GRADIENT_RTOL
    )
    return output.detach()


def test_captions_of_different_lengths() -> None:
    made, images = model(), normal(3, CODE)
    output = both(made, images, CAPTIONS)
    assert output.shape == (STEPS + 2, 3, WORDS + 1)
    assert not output[-1].any()  # no caption goes on
    assert torch.allclose(output[:-1].exp().sum(2), torch.ones(STEPS + 1, 3).double())
    alone = both(made, images[:1], CAPTIONS[:, :1])
    assert torch.allclose(output[:, :1], alone, rtol=1e-12)
    full = both(made, images, np.maximum(CAPTIONS, 1))
    assert torch.allclose(full[:-1], output[:-1], rtol=1e-12)  # 0 is looked up as 1


def test_other_numbers_of_steps_are_refused() -> None:
    made, images = model(), normal(3, CODE)
    with pytest.raises(RuntimeError, match="tokens of 5 steps x batch expected"):
        network(made)([torch.from_numpy(images), torch.ones(4, 3)])
    with pytest.raises(ConversionError, match="4 steps, expected 5"):
        Executor().call(build(made), [images, np.ones((4, 3))])


def test_clones_stand_for_the_first_while_they_share() -> None:
    """A clone has module and tensor objects of its own on the first one's memory."""
    made = model()

    def clone(module: LuaObject) -> LuaObject:
        fields = dict(module.payload.items())
        if "modules" in fields:
            fields["modules"] = table(*map(clone, fields["modules"].list()))
        return obj(module.typename, **fields)

    first, lookup = made.payload["core"], made.payload["lookup_table"]
    made.payload["clones"] = table(first, *(clone(first) for _ in range(6)))
    made.payload["lookup_tables"] = table(lookup, *(clone(lookup) for _ in range(6)))
    converted = convert_tree(build(made))
    assert len(list(converted.network.parameters())) == 7

    for name in ("clones", "lookup_tables"):
        other = clone(made.payload[name].list()[3])
        inner = other if name == "lookup_tables" else other.payload["modules"].list()[1]
        target = inner if name == "lookup_tables" else inner.payload["modules"].list()[1]
        target.payload["weight"] = tensor(np.array(target.payload["weight"].numpy()))
        kept = made.payload[name]
        made.payload[name] = table(*kept.list()[:3], other)
        with pytest.raises(ConversionError, match=f"its field {name} holds a module"):
            network(made)
        made.payload[name] = kept


def test_sampling() -> None:
    net: Any = network(model())
    images = torch.from_numpy(normal(3, CODE))
    tokens, chances = net.sample(images)
    assert tokens.shape == chances.shape == (STEPS, 3)
    output = net([images, tokens])[1:-1]
    assert torch.equal(output.argmax(2) + 1, tokens)
    assert torch.allclose(output.amax(2), chances, rtol=1e-12)
    torch.manual_seed(4)
    drawn, logs = net.sample(images, temperature=0.7)
    torch.manual_seed(4)
    again, _ = net.sample(images, temperature=0.7)
    assert torch.equal(drawn, again)
    scores = net([images, drawn])[1:-1]
    assert torch.allclose(scores.gather(2, drawn.unsqueeze(2) - 1)[..., 0], logs, rtol=1e-12)


def test_criterion() -> None:
    criterion = lua_object("nn.LanguageModelCriterion")
    scores = normal(STEPS + 2, 3, WORDS + 1)
    loss, (gradient,) = compare_criterion(criterion, scores, CAPTIONS)
    end = WORDS + 1
    judged = [[2, 3, 1, 4, end], [4, 1, end], [1, end]]
    picked = [scores[t, b, c - 1] for b, row in enumerate(judged) for t, c in enumerate(row, 1)]
    assert loss == pytest.approx(-sum(picked) / 10, rel=1e-12)
    assert np.count_nonzero(gradient) == 10
    full = np.ones((STEPS, 3), np.int64)
    compare_criterion(criterion, scores, full)
    compare_criterion(criterion, scores, np.array([[0, 1, 0], [2, 0, 0], *[[0, 3, 0]] * 3]))
    with pytest.raises(RuntimeError, match="tokens expected"):
        network(criterion)(torch.from_numpy(scores), torch.ones(4, 3))


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("rows", [1, 4])
def test_expander(n: int, rows: int) -> None:
    x = normal(rows, 3)
    (output,) = compare(obj("nn.FeatExpander", n=n), [x])
    assert np.array_equal(output, x[np.arange(rows * n) // n])


def test_expander_takes_rows_only() -> None:
    compare(obj("nn.FeatExpander", n=1), [normal(2, 3, 4)])
    with pytest.raises(RuntimeError, match="2 dimensions expected"):
        network(obj("nn.FeatExpander", n=2))(torch.ones(2, 3, 4))
    with pytest.raises(ConversionError, match="two dimensions expected"):
        Executor().call(build(obj("nn.FeatExpander", n=2)), normal(2, 3, 4))


def test_export() -> None:
    net = network(model())
    given = [torch.from_numpy(normal(3, CODE)), torch.from_numpy(CAPTIONS)]
    program = torch.export.export(net, (given,), strict=False)
    assert torch.allclose(program.module()(given), net(given), rtol=1e-12)
