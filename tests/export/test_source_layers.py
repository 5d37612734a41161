"""Readable source of every class that a golden file has: the same module, or a refusal by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from t7convert.conversion import convert_tree
from t7convert.errors import ConversionError
from t7convert.export.checkpoint import compact_state
from t7convert.export.source.check import built, compare, run_both
from t7convert.export.source.text import NAME, dtype_of, source_text
from t7convert.lua.tree import build
from tests.build import linear, obj, table
from tests.conftest import FIXTURES
from tests.golden import arrays, cases, tensors

FILES = sorted((FIXTURES / "layers").glob("*.t7.xz"))
#: Criterions run on two inputs, so what they compute isn't compared here.
REFUSED = frozenset({"ModuleCriterion", "WeightNorm"})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])
def test_the_source_makes_the_same_module_or_names_what_it_can_not(path: Path) -> None:
    label, case = next(cases(path))
    network = convert_tree(build(case["module"])).network
    if path.name.split(".")[0] in REFUSED:
        with pytest.raises(ConversionError, match="so it has no source"):
            proven(network)
        return
    made = proven(network)
    if "loss" in case:
        return
    given = tensors(arrays(case["input"]))
    reason = run_both(network, made, given)

    assert reason == "", label


def proven(network: torch.nn.Module) -> torch.nn.Module:
    """Return what the source makes, compared with the network."""
    text = source_text(network, "net.weights.pt")
    made = built(text, NAME, compact_state(network), dtype_of(network))
    compare(network, made, compact=False)
    return made


def test_a_simple_recurrence_has_source() -> None:
    """Five children in a row; only where the first step has modules of its own is there a sixth."""
    read = linear(3, 4)
    steps = (obj("nn.Identity"), read, linear(4, 4, seed=1), obj("nn.Sigmoid"), obj("nn.CAddTable"))
    module = obj("nn.Recurrent", modules=table(*steps), rho=5)
    network = convert_tree(build(module)).network
    given = [torch.ones(2, 3, dtype=torch.float64)]

    assert run_both(network, proven(network), *given) == ""
    assert not any("firstModule" in name for name, _ in network.named_modules())
