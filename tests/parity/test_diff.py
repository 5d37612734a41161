"""``t7convert diff``: every pair of kinds, in both orders, equal and changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import t7convert
from t7convert import outputs
from t7convert.cli import main
from t7convert.parity.differences import compare_files
from tests.build import linear, obj, sequential, tensor

KINDS = ("t7", "pt", "safetensors")
PAIRS = list(product(KINDS, KINDS))
Make = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Return a function that gives a file: the ``same``, one ``weight`` changed, ``untied``."""
    folder = tmp_path_factory.mktemp("diff")

    def lua(variant: str) -> Path:
        first, second = linear(4, 4, seed=1), linear(4, 4, seed=2)
        values = np.array(first["weight"].numpy(), np.float32)
        if variant == "weight":
            values[0, 0] = np.nextafter(values[0, 0], np.float32(9))
        first.payload["weight"] = second.payload["weight"] = tensor(values, "Float")
        if variant == "untied":
            second.payload["weight"] = tensor(values, "Float")
        path = folder / f"{variant}.t7"
        t7convert.save(sequential(first, obj("nn.Tanh"), second), path, force=True)
        return path

    def make(kind: str, variant: str) -> Path:
        out = folder / f"{variant}.{kind}"
        if kind == "t7":
            return lua(variant)
        if not out.exists() and kind == "pt":
            t7convert.convert(lua(variant), out, verify=False)
        elif not out.exists():
            outputs.write_kind(lua(variant), out, kind)
        return out

    return make


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_the_same_network(made: Make, a: str, b: str) -> None:
    found = compare_files(made(a, "same"), made(b, "same"))

    assert found.same, found.changes
    assert found.compared >= 4


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_one_bit_of_one_weight(made: Make, a: str, b: str) -> None:
    found = compare_files(made(a, "same"), made(b, "weight"))

    assert not found.same
    assert {change.kind for change in found.changes} == {"numbers"}
    assert all("1 of " in change.detail for change in found.changes)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_a_lost_tie(made: Make, a: str, b: str) -> None:
    there, back = (
        compare_files(made(x, one), made(y, other))
        for x, one, y, other in ((a, "same", b, "untied"), (b, "untied", a, "same"))
    )

    assert "ties" in {change.kind for change in there.changes}
    assert "ties" in {change.kind for change in back.changes}
    assert not any(change.kind == "numbers" for change in (*there.changes, *back.changes))


def test_bare_tensors(made: Make, tmp_path: Path) -> None:
    state = torch.load(made("pt", "same"), weights_only=True)["state_dict"]
    bare = tmp_path / "bare.pt"
    torch.save(state, bare)

    assert compare_files(bare, made("safetensors", "same")).same
    state.pop(next(iter(state)))
    torch.save(state, bare)
    found = compare_files(bare, made("safetensors", "same"))
    assert ("tensors", "only in the second file") in {(c.kind, c.detail) for c in found.changes}


def test_the_command_prints_json(made: Make) -> None:
    command = ["diff", str(made("t7", "same")), str(made("safetensors", "weight")), "--json"]
    done = CliRunner().invoke(main, command)
    told = json.loads(done.output)

    assert done.exit_code == 1
    assert told["same"] is False
    assert {change["kind"] for change in told["changes"]} == {"numbers"}
