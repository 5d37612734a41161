"""What was read and not changed is written back byte for byte."""

from __future__ import annotations

import io
import lzma
from pathlib import Path

import pytest

from t7convert.errors import NotTorch7Error, T7FormatError
from t7convert.format import T7File, open_file, save_all
from tests.conftest import FIXTURES, SHARED
from tests.format.comparing import difference

#: Files of zoo/ that are no .t7, and the word by which the error names them.
IMPOSTORS = {
    "GreenGarnets+Classification-of-Animation-Character/model/model.t7": "legacy pickle",
    "adiyoss+DeepAnomaly/files/autoencoder_model.net": "HDF5",
    "akashhdev+Fast_NAST_Webapp/models/instance_norm/candy.t7@b1f9f2e8": "HTML",
    "cmusatyalab+openface/cifar10/results/raw_128/crossentropy/toynet/classes.t7@cfb82e17": "LFS",
    "fizz-ml+pytorch-aux-reward-rl/models/ddpg_models/ddpg_critic.t7@a4a89d98": "tar",
    "glebsonmac+face_recognition/openface_nn4.small2.v1.t7@0e1c74de": "text",
    "README.md": "text",
}
#: Files that are damaged, and what the error says.
BROKEN = {
    "jbr97+deepmask/model.t7": "truncated: a torch.CudaStorage of 526,337 elements",
    # somebody edited it: a number stands there three times
    "torch+demos/face-detector/face.net@a9a316dc": "expected a whole number",
}
FIXTURE_FILES = sorted(
    path for path in FIXTURES.rglob("*") if path.name.endswith((".t7", ".t7.xz"))
)


def written(opened: T7File) -> bytes:
    target = io.BytesIO()
    encoding = opened.encoding
    save_all(
        opened.objects,
        target,
        ascii=encoding.ascii,
        byteorder="little" if encoding.byteorder == "little" else "big",
        long_size=8 if encoding.long_size == 8 else 4,
    )
    return target.getvalue()


def original(path: Path) -> bytes:
    raw = path.read_bytes()
    return lzma.decompress(raw) if path.suffix == ".xz" else raw


@pytest.mark.parametrize("path", FIXTURE_FILES, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_fixtures(path: Path) -> None:
    with open_file(path) as opened:
        assert written(opened) == original(path)


def test_there_are_fixtures() -> None:
    assert len(FIXTURE_FILES) >= 20


def test_every_golden_file(shared: Path) -> None:
    paths = sorted((shared / "golden").rglob("*.t7")) + sorted((shared / "golden").rglob("*.xz"))
    assert len(paths) > 500
    for path in paths:
        with open_file(path) as opened:
            assert written(opened) == original(path), path


def test_every_intact_file_of_the_zoo(shared: Path) -> None:
    intact = 0
    for path in sorted((shared / "zoo").rglob("*")):
        if path.is_file() and str(path.relative_to(shared / "zoo")) not in IMPOSTORS | BROKEN:
            with open_file(path) as opened:
                assert written(opened) == original(path), path
            intact += 1
    assert intact >= 40


@pytest.mark.parametrize("name", IMPOSTORS)
def test_impostors_are_named(shared: Path, name: str) -> None:
    with pytest.raises(NotTorch7Error) as caught:
        open_file(shared / "zoo" / name)
    assert IMPOSTORS[name] in caught.value.kind
    assert caught.value.remedy
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_named(shared: Path, name: str) -> None:
    with pytest.raises(T7FormatError) as caught:
        open_file(shared / "zoo" / name)
    assert BROKEN[name] in str(caught.value)
    assert caught.value.offset > 0
    assert caught.value.path


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared")
@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("long_size", [4, 8])
@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_a_network_in_every_encoding(ascii: bool, long_size: int, byteorder: str) -> None:
    path = SHARED / "golden" / "nets" / "sharesnet-basic" / "model.t7"
    opened = open_file(path)
    target = io.BytesIO()
    save_all(
        opened.objects,
        target,
        ascii=ascii,
        long_size=8 if long_size == 8 else 4,
        byteorder="big" if byteorder == "big" else "little",
    )
    again = open_file(target.getvalue())
    assert again.encoding.ascii == ascii
    assert ascii or (again.encoding.byteorder, again.encoding.long_size) == (byteorder, long_size)
    assert difference(opened.object(), again.object()) is None
    assert written(again) == target.getvalue()


def test_the_comparison_sees_differences() -> None:
    first = open_file(FIXTURES / "formats" / "binary.t7").object()
    second = open_file(FIXTURES / "formats" / "ascii.t7").object()
    # the bits of a printed nan are those of Python's
    del first["nan"], second["nan"]
    assert difference(first, second) is None
    second["same"] = second["transposed"]
    assert difference(first, second) is not None
