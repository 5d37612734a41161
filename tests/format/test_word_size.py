"""Short files that read with longs of 8 bytes and of 4: told apart, or refused; never guessed."""

from __future__ import annotations

import io
from typing import Any, Literal

import pytest

from t7convert.errors import T7FormatError
from t7convert.format import LuaObject, LuaTable, LuaTensor, load_all, open_file, save_all


def written(objects: list[Any], long_size: Literal[4, 8], byteorder: str = "little") -> bytes:
    file = io.BytesIO()
    save_all(objects, file, long_size=long_size, byteorder=byteorder)  # type: ignore[arg-type]
    return file.getvalue()


def empty() -> LuaTensor:
    return LuaTensor("torch.FloatTensor", (), (), 0, None)


def counter(value: int) -> LuaObject:
    return LuaObject("tds.AtomicCounter", value, version=0)


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("long_size", [4, 8])
@pytest.mark.parametrize("kind", ["tensor", "vec", "table"])
def test_one_object_is_likelier_than_two(kind: str, long_size: Any, byteorder: str) -> None:
    whole = {
        "tensor": empty(),
        "vec": LuaObject("tds.Vec", LuaTable(), version=0),
        "table": LuaTable({1: counter(1), 2: 0, 3: empty()}),
    }[kind]
    data = written([whole], long_size, byteorder)
    with open_file(data) as opened:
        assert len(opened.objects) == 1
        assert (opened.encoding.long_size, opened.encoding.byteorder) == (long_size, byteorder)


@pytest.mark.parametrize("long_size", [4, 8])
def test_of_several_objects_those_without_nil(long_size: Any) -> None:
    with open_file(written([empty(), "after"], long_size)) as opened:
        assert opened.encoding.long_size == long_size
        assert opened.objects[1] == "after"


def test_as_likely_ones_are_refused_until_somebody_says() -> None:
    data = written([counter(1), 1e-323], 4)
    with pytest.raises(T7FormatError, match="longs of 8 bytes and of 4: say which"):
        load_all(data)
    assert load_all(data, long_size=4)[1] == 1e-323
    assert load_all(data, long_size=8)[1] == ""


def test_a_file_without_longs_has_no_word_size() -> None:
    assert load_all(written(["a", 1, LuaTable({1: True})], 4))[:2] == ["a", 1]
