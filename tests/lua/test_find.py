"""Finding the model of a file, and following paths."""

from __future__ import annotations

import pytest

from t7convert.errors import PathError, SelectionError
from t7convert.format import LuaTable
from t7convert.lua import find
from tests.build import linear, obj, sequential, table


def test_a_model_in_a_table_is_found_and_criterions_are_not() -> None:
    root = table(net=sequential(linear(1, 1)), loss=obj("nn.MSECriterion"), epoch=3)

    assert [path for path, _ in find.models(root)] == ["net"]
    assert find.model(root)[0] == "net"


def test_a_model_in_a_list_of_tables() -> None:
    root = table(1, table(deep=table(linear(1, 1))))

    assert find.model(root)[0] == "[2].deep[1]"


def test_modules_inside_a_model_are_no_models() -> None:
    assert [path for path, _ in find.models(sequential(linear(1, 1)))] == [""]


def test_the_same_model_twice_is_one() -> None:
    net = linear(1, 1)

    assert len(find.models(table(best=net, last=net))) == 1


def test_several_models_without_a_choice_are_listed() -> None:
    root = table(encoder=linear(1, 1), decoder=linear(1, 1))

    with pytest.raises(SelectionError, match=r"(?s)2 networks.*encoder: nn.Linear.*decoder"):
        find.model(root)
    assert find.model(root, "decoder")[0] == "decoder"


def test_selecting_what_holds_one_model() -> None:
    root = table(a=table(net=linear(1, 1)), b=linear(1, 1))

    assert find.model(root, "a")[0] == "a.net"


def test_a_model_below_a_key_that_has_no_spelling() -> None:
    key = LuaTable()
    root = LuaTable({key: linear(1, 1), True: "yes"})
    root[1] = "one"

    path, found = find.model(root)
    assert path == "[<LuaTable>]"
    assert find.model(root, path) == (path, found)
    assert dict(find.beside(root, path)) == {"[true]": "yes", "[1]": "one"}
    root[LuaTable()] = linear(1, 1)
    with pytest.raises(PathError, match="the root has no <LuaTable>"):
        find.follow(root, path)


def test_true_stands_beside_one() -> None:
    root = LuaTable({1: linear(1, 1)})
    root[True] = "yes"

    assert dict(find.beside(root, "[1]")) == {"[true]": "yes"}


def test_selecting_no_module_is_an_error() -> None:
    with pytest.raises(SelectionError, match="no module at 'epoch'"):
        find.model(table(net=linear(1, 1), epoch=3), "epoch")


def test_no_model_is_an_error() -> None:
    with pytest.raises(SelectionError, match="no network"):
        find.model(table(1, 2, 3))


@pytest.mark.parametrize("path", ["net.modules[1].weight", "net.modules.1.weight"])
def test_follow(path: str) -> None:
    inner = linear(1, 1)
    root = table(net=sequential(inner))

    assert find.follow(root, path) is inner["weight"]


def test_a_path_that_leads_nowhere_says_what_is_there() -> None:
    root = table(net=sequential(linear(1, 1)))

    with pytest.raises(PathError, match=r"net has no 'module'; it has modules"):
        find.follow(root, "net.module[1]")


def test_what_stands_beside_the_model() -> None:
    net = linear(1, 1)
    root = table(checkpoint=table(net=net, epoch=3), mean=table(1, 2))

    assert dict(find.beside(root, "checkpoint.net"))["checkpoint.epoch"] == 3
    assert "mean" in dict(find.beside(root, "checkpoint.net"))
