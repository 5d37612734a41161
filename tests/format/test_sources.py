"""Where bytes may come from, what may happen to them, and what is no .t7."""

from __future__ import annotations

import bz2
import contextlib
import gc
import gzip
import io
import lzma
import os
import pickle
import random
import sys
import tarfile
import threading
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from t7convert.errors import NotTorch7Error, T7FormatError
from t7convert.format import load, open_file, save
from t7convert.format import source as source_module
from tests.conftest import FIXTURES
from tests.format.comparing import difference

BINARY = FIXTURES / "formats" / "binary.t7"


class Dribble:
    """A file object that gives pieces of random sizes and can't seek."""

    name = "dribble"

    def __init__(self, data: bytes) -> None:
        self._data, self._random = data, random.Random(5)

    def read(self, size: int = -1) -> bytes:
        count = self._random.randint(1, 7) if size else 0
        piece, self._data = self._data[:count], self._data[count:]
        return piece


OPENERS: dict[str, Callable[[bytes, Path], object]] = {
    "bytes": lambda data, path: data,
    "bytearray": lambda data, path: bytearray(data),
    "memoryview": lambda data, path: memoryview(data),
    "BytesIO": lambda data, path: io.BytesIO(data),
    "pieces": lambda data, path: Dribble(data),
    "path": lambda data, path: path,
    "str": lambda data, path: str(path),
    "gzip": lambda data, path: gzip.compress(data),
    "bzip2": lambda data, path: bz2.compress(data),
    "xz": lambda data, path: lzma.compress(data),
    "zip": lambda data, path: zipped(a_t7=data),
    "gzip file": lambda data, path: at(path, gzip.compress(data)),
    "bzip2 file": lambda data, path: at(path, bz2.compress(data)),
    "xz file": lambda data, path: at(path, lzma.compress(data)),
    "zip file": lambda data, path: at(path, zipped(a_t7=data)),
}


def at(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return target.getvalue()


@pytest.mark.parametrize("kind", OPENERS)
@pytest.mark.parametrize("spill", [False, True])
def test_sources(kind: str, spill: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if spill:
        monkeypatch.setattr(source_module, "_IN_MEMORY", 100)
    data = BINARY.read_bytes()
    path = tmp_path / "a.t7"
    path.write_bytes(data)
    value = load(OPENERS[kind](data, path))  # type: ignore[arg-type]
    assert difference(value, load(BINARY)) is None


def test_an_open_file_is_read_from_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"before" + BINARY.read_bytes())
    with path.open("rb") as file:
        file.seek(6)
        value = load(file)
    assert value["int"] == 42


def test_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(BINARY.read_bytes()))
    writer.start()
    assert load(path)["int"] == 42
    writer.join()


def test_zip_members() -> None:
    data = BINARY.read_bytes()
    assert load(zipped(a_t7=data))["int"] == 42
    assert load(zipped(dir__a_t7=data, README_md=b"hello"))["int"] == 42
    assert load(zipped(a=data, b=data), member="b")["int"] == 42
    with pytest.raises(T7FormatError, match=r"a\.t7, b\.t7; say which"):
        load(zipped(a_t7=data, b_t7=data))
    with pytest.raises(T7FormatError, match="no 'c' in this zip archive"):
        load(zipped(a_t7=data), member="c")


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, lambda d: zipped(a_t7=d)]
)
def test_damaged_compression(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(BINARY.read_bytes())
    for length in (7, 20, len(packed) // 2, len(packed) - 3):
        with pytest.raises(T7FormatError, match="damaged or truncated"):
            load(packed[:length])


@pytest.mark.parametrize("byte", [0, 200, 255])
def test_a_damaged_zip_archive(byte: int, tmp_path: Path) -> None:
    packed = zipped(a_t7=BINARY.read_bytes())
    for position in range(len(packed) - 80, len(packed)):  # the directory, at the end
        damaged = packed[:position] + bytes([byte]) + packed[position + 1 :]
        for source in (damaged, at(tmp_path / "a.zip", damaged)):
            with contextlib.suppress(T7FormatError):
                load(source)


def test_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "_IN_MEMORY", 100)
    monkeypatch.setattr(source_module, "_UNPACKED", 1 << 20)
    with pytest.raises(T7FormatError, match="unpacks to more than"):
        load(gzip.compress(bytes(10 << 20)))


def test_what_is_no_source() -> None:
    with pytest.raises(TypeError, match=r"can't read a \.t7 file from int"):
        load(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="binary mode"):
        load(io.StringIO("abc"))  # type: ignore[arg-type]
    with pytest.raises(IsADirectoryError):
        load(FIXTURES)
    with pytest.raises(FileNotFoundError):
        load("there is no such file.t7")


def test_nothing_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "a.t7"
    path.write_bytes(BINARY.read_bytes())
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            load(path)
            with pytest.raises(T7FormatError):
                load(BINARY.read_bytes()[:100])
        gc.collect()
    if sys.platform == "linux":
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.t7"
    save({"a": np.arange(10.0)}, path)
    value = load(path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(T7FormatError, match="changed while it was open"):
        value["a"].numpy()
    with pytest.raises(T7FormatError, match="changed while it was open"):
        value["a"].copy()


def test_a_replaced_file_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.t7"
    save({"a": np.arange(10.0)}, path)
    value = load(path)
    save({"a": np.zeros(1)}, path.with_name("b.t7"))
    path.with_name("b.t7").replace(path)
    assert value["a"].numpy()[9] == 9


def test_a_closed_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.t7"
    save({"a": np.arange(10.0)}, path)
    with open_file(path) as opened:
        tensor = opened.object()["a"]
        kept = tensor.numpy()
        opened.release()
    assert kept[9] == 9
    with pytest.raises(T7FormatError, match="closed before"):
        tensor.numpy()
    opened.close()


def test_names() -> None:
    assert open_file(BINARY).name == str(BINARY)
    assert open_file(BINARY.read_bytes()).name == "<bytes>"
    assert open_file(BINARY).size == BINARY.stat().st_size
    assert open_file(BINARY).count == 31
    assert "binary.t7: 1 objects, binary, little-endian" in repr(open_file(BINARY))


def tar() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.t7"))
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "an empty file"),
        (bytes(1000), "a file of zeros"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:6", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html></html>", "an HTML or XML page"),
        (b"\n <html>", "an HTML or XML page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied", "an HTML or XML page"),
        (b"Not Found", "a plain text file"),
        (b'{"error": "quota"}', "a JSON or text file"),
        (tar(), "a tar archive"),
        (gzip.compress(tar()), "a tar archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), "a 7-Zip archive"),
        (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
        (pickle.dumps({"a": 1}, 2), "a Python pickle"),
        (pickle.dumps({"a": 1}, 4), "a Python pickle"),
        (pickle.dumps(0x1950A86A20F9469CFC6C, 2), "a PyTorch checkpoint (legacy pickle)"),
        (zipped(archive__data_pkl=b"x", archive__version=b"3"), "a PyTorch checkpoint (zip)"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "an HDF5 file (Keras?)"),
        (b"\x3a\0\0\0\0\0\0\0" + b'{"a":{"dtype":"F32"}}', "a safetensors file"),
        (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0", "an ONNX model"),
        (b"\x93NUMPY\x01\0", "a numpy array"),
        (b"\x1bLJ\x02", "Lua bytecode"),
        (b"\xde\xad\xbe\xef\x01", "data of an unknown kind (its first bytes are de ad be ef 01)"),
    ],
)
def test_what_is_no_t7(data: bytes, kind: str) -> None:
    with pytest.raises(NotTorch7Error) as caught:
        load(data)
    assert caught.value.kind == kind
    assert len(caught.value.remedy) > 10
    assert kind in str(caught.value)
