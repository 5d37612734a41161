"""``t7convert diff`` of what stands outside of networks: tensors and plain values by path."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import t7convert
from t7convert.cli import main
from t7convert.format.objects import LuaFunction, LuaTable
from t7convert.parity.differences import compare_files
from tests.build import linear, obj, sequential, table, tensor

Changes = set[tuple[str, str, str]]


def content() -> LuaTable:
    shared = tensor([[1.0, 2.0], [3.0, 4.0]])
    return table(
        opt=table(rate=0.1, name="a" * 100, cuda=True, sizes=table(1, 2, 3)),
        mean=tensor([0.5, 0.25], "Float"),
        same=shared,
        also=shared,
        hash=obj("tds.Hash"),
    )


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[LuaTable], Any]], Changes]:
    """Return a function that changes the content and says what ``diff`` tells of it."""

    def compare(change: Callable[[LuaTable], Any]) -> Changes:
        other = content()
        change(other)
        t7convert.save(content(), tmp_path / "a.t7", force=True)
        t7convert.save(other, tmp_path / "b.t7", force=True)
        found = compare_files(tmp_path / "a.t7", tmp_path / "b.t7")
        assert found.same == (not found.changes)
        return {(c.kind, c.name, c.detail) for c in found.changes}

    return compare


def run(*args: object) -> Result:
    """Run a command as the shell would."""
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="t7convert")


def test_the_same_data(tmp_path: Path) -> None:
    for name in ("a.t7", "b.t7"):
        t7convert.save(content(), tmp_path / name)
    done = run("diff", tmp_path / "a.t7", tmp_path / "b.t7")

    assert done.exit_code == 0
    assert done.stdout == "the same: structure, ties, all 2 tensors and 6 values\n"


def test_a_value(changed: Any) -> None:
    assert changed(lambda t: t["opt"].update(rate=0.2)) == {("values", "opt.rate", "0.1 -> 0.2")}


def test_a_boolean_is_no_number(changed: Any) -> None:
    assert changed(lambda t: t["opt"].update(cuda=1)) == {("values", "opt.cuda", "true -> 1")}


def test_a_long_text_is_cut_to_where_it_differs(changed: Any) -> None:
    ((kind, name, detail),) = changed(lambda t: t["opt"].update(name="a" * 90 + "b"))

    assert (kind, name) == ("values", "opt.name")
    assert len(detail) < 140
    assert 'ab" ->' not in detail
    assert 'ab"' in detail


def test_what_is_gone_is_told_once(changed: Any) -> None:
    assert changed(lambda t: t.pop("opt")) == {("structure", "opt", "a table -> absent")}


def test_a_value_that_is_new(changed: Any) -> None:
    assert changed(lambda t: t["opt"].update(new="x")) == {("values", "opt.new", 'absent -> "x"')}


def test_a_value_in_place_of_a_table(changed: Any) -> None:
    assert changed(lambda t: t.update(opt=3)) == {("structure", "opt", "a table -> 3")}


def test_a_number_of_a_tensor(changed: Any) -> None:
    def change(t: LuaTable) -> None:
        t["mean"] = tensor(np.nextafter([0.5, 0.25], [0.5, 9], dtype=np.float32), "Float")

    ((kind, name, detail),) = changed(change)

    assert (kind, name) == ("numbers", "mean")
    assert detail.startswith("1 of 2 values differ")


def test_the_shape_and_the_type_of_a_tensor(changed: Any) -> None:
    assert changed(lambda t: t.update(mean=tensor([[0.5], [0.25]], "Float"))) == {
        ("tensors", "mean", "shape [2] -> [2, 1]")
    }
    assert changed(lambda t: t.update(mean=tensor([0.5, 0.25], "Cuda"))) == {
        ("structure", "mean", "torch.FloatTensor -> torch.CudaTensor")
    }


def test_a_tensor_that_was_one_object_at_two_places(changed: Any) -> None:
    found = changed(lambda t: t.update(also=tensor([[1.0, 2.0], [3.0, 4.0]])))

    assert {(kind, name) for kind, name, _ in found} == {("structure", "also")}


def test_a_function(changed: Any) -> None:
    ((kind, name, detail),) = changed(lambda t: t.update(hash=LuaFunction(b"code", None)))

    assert (kind, name) == ("structure", "hash")
    assert detail.startswith("tds.Hash -> a Lua function of 4 bytes")


def test_tensors_alone(tmp_path: Path) -> None:
    for name, last in (("a.t7", 2.0), ("b.t7", 3.0)):
        t7convert.save(tensor([1.0, last]), tmp_path / name)
    done = run("diff", tmp_path / "a.t7", tmp_path / "b.t7", "--json")
    told = json.loads(done.stdout)

    assert done.exit_code == 1
    assert (told["compared"], told["values"]) == (1, 0)
    assert [(c["kind"], c["name"]) for c in told["changes"]] == [("numbers", "<root>")]


def test_data_beside_a_network(tmp_path: Path) -> None:
    for name, epoch in (("a.t7", 1), ("b.t7", 2)):
        t7convert.save(table(model=sequential(linear(3, 2)), epoch=epoch), tmp_path / name)
    found = compare_files(tmp_path / "a.t7", tmp_path / "b.t7")

    assert [(c.kind, c.name, c.detail) for c in found.changes] == [("values", "epoch", "1 -> 2")]
    assert compare_files(tmp_path / "a.t7", tmp_path / "b.t7", select="model").same


def test_a_network_and_data(tmp_path: Path) -> None:
    t7convert.save(linear(3, 2), tmp_path / "a.t7")
    t7convert.save(tensor([1.0]), tmp_path / "b.t7")
    found = compare_files(tmp_path / "a.t7", tmp_path / "b.t7")

    assert ("structure", "<root>", "a module -> torch.DoubleTensor") in {
        (c.kind, c.name, c.detail) for c in found.changes
    }


def test_a_criterion_is_compared_as_a_module(tmp_path: Path) -> None:
    for name, value in (("a.t7", 0.1), ("b.t7", 0.2)):
        t7convert.save(table(loss=obj("nn.MarginCriterion", margin=value)), tmp_path / name)
    found = compare_files(tmp_path / "a.t7", tmp_path / "b.t7")

    assert [(c.kind, c.name) for c in found.changes] == [("structure", "loss")]


def test_the_network_that_the_other_file_was_made_of(tmp_path: Path) -> None:
    t7convert.save(table(one=linear(3, 2), two=linear(3, 2, seed=1)), tmp_path / "a.t7")
    t7convert.convert(tmp_path / "a.t7", tmp_path / "two.pt", select="two")

    assert compare_files(tmp_path / "a.t7", tmp_path / "two.pt").same
    assert not compare_files(tmp_path / "two.pt", tmp_path / "a.t7", select="one").same


def test_arrays(tmp_path: Path) -> None:
    t7convert.save(linear(3, 2), tmp_path / "a.t7")
    t7convert.convert(tmp_path / "a.t7", tmp_path / "a.npz")
    t7convert.save(linear(3, 2, seed=1), tmp_path / "b.t7")

    assert compare_files(tmp_path / "a.t7", tmp_path / "a.npz").same
    assert not compare_files(tmp_path / "a.npz", tmp_path / "b.t7").same


def test_a_path_that_leads_nowhere_names_the_file(tmp_path: Path) -> None:
    t7convert.save(content(), tmp_path / "a.t7")
    done = run("diff", tmp_path / "a.t7", tmp_path / "a.t7", "--select", "optt")

    assert done.exit_code == 1
    assert done.stderr.startswith(f"t7convert: {tmp_path / 'a.t7'}: path 'optt'")


def test_a_part_beside_a_file_of_that_part(tmp_path: Path) -> None:
    t7convert.save(table(model=sequential(linear(3, 2)), epoch=1), tmp_path / "a.t7")
    t7convert.save(sequential(linear(3, 2)), tmp_path / "b.t7")

    assert compare_files(str(tmp_path / "a.t7"), tmp_path / "b.t7", select="model").same
    assert compare_files(tmp_path / "b.t7", tmp_path / "a.t7", select="model").same
    with pytest.raises(t7convert.PathError, match=r"a\.t7: path 'modell'"):
        compare_files(tmp_path / "a.t7", tmp_path / "b.t7", select="modell")
