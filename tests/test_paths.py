"""The grammar of paths."""

from __future__ import annotations

import math

import pytest

from t7convert import paths
from t7convert.errors import PathError

EXAMPLES = [
    ("", ()),
    ("model", ("model",)),
    ("model.modules[5].weight", ("model", "modules", 5, "weight")),
    ("[3]", (3,)),
    ('["any string"].x', ("any string", "x")),
    ("[true][-1]", (True, -1)),
    ("[1.5]", (1.5,)),
    ('["say \\"hi\\""]', ('say "hi"',)),
    ("[1e+300][9007199254740992][-1e+16]", (1e300, 2**53, -1e16)),
    ("[inf][-inf]", (math.inf, -math.inf)),
    ("[1e-05][5e-324]", (1e-5, 5e-324)),
    ('["caf\\udce9"]["\\ud83d\\ude00"]["\\u0000\\n"]', ("caf\udce9", "\U0001f600", "\0\n")),
    ('inf["1"][""]', ("inf", "1", "")),
]


@pytest.mark.parametrize(("text", "keys"), EXAMPLES)
def test_parse_and_join_are_inverse(text: str, keys: tuple[object, ...]) -> None:
    assert paths.parse(text) == keys
    assert paths.join("", *keys) == text


def test_true_is_not_one() -> None:
    assert paths.parse("[true]")[0] is True
    assert paths.join("", True) == "[true]"


@pytest.mark.parametrize("text", ["modules.5.weight", ".modules.5.weight"])
def test_bare_numbers_are_number_keys(text: str) -> None:
    assert paths.parse(text) == ("modules", 5, "weight")


@pytest.mark.parametrize("text", ["a..b", "a.", "[", "[x]", 'a["b', "a b", "a.[3]", "modules[3]x"])
def test_what_does_not_parse_is_an_error(text: str) -> None:
    with pytest.raises(PathError, match="path"):
        paths.parse(text)


def test_a_key_of_a_kind_without_spelling() -> None:
    keys = paths.parse("a[<LuaTable>].b")
    assert keys == ("a", paths.Unspelled("LuaTable"), "b")
    assert paths.join("", *keys) == "a[<LuaTable>].b"
    assert repr(keys[1]) == "<LuaTable>"


def test_control_characters_may_stand_in_a_string() -> None:
    assert paths.parse('["a\tb"]') == ("a\tb",)


def test_a_string_with_an_escape_that_there_is_not() -> None:
    with pytest.raises(PathError, match=r"is no string: Invalid \\escape"):
        paths.parse(r'["\x"]')


def test_keys_without_spelling_are_shown() -> None:
    assert paths.join("a", object()) == "a[<object>]"
