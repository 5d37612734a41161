"""Folders by class, CIFAR's published files, and files that only look like them."""

from __future__ import annotations

import datetime
import pickle
from pathlib import Path

import numpy as np
import pytest

from t7convert.vision.cifar import read_cifar
from t7convert.vision.folders import DataError, Sample, read_image_folder
from t7convert.vision.labels import Labels
from tests.drawing import generator

RNG = generator(0)
PIXELS = RNG.integers(0, 256, (12, 3, 32, 32), np.uint8)


def write_binary(folder: Path, classes: int, targets: list[int]) -> Path:
    name = "cifar-10-batches-bin/test_batch.bin" if classes == 10 else "cifar-100-binary/test.bin"
    path = folder / name
    path.parent.mkdir(parents=True)
    rows = []
    for pixels, target in zip(PIXELS, targets, strict=True):
        head = [target] if classes == 10 else [target // 5, target]
        rows.append(bytes(head) + pixels.tobytes())
    path.write_bytes(b"".join(rows))
    return path


def write_python(folder: Path, classes: int, targets: list[int], protocol: int = 2) -> Path:
    name = "cifar-10-batches-py/test_batch" if classes == 10 else "cifar-100-python/test"
    path = folder / name
    path.parent.mkdir(parents=True)
    key = b"labels" if classes == 10 else b"fine_labels"
    content = {
        b"data": PIXELS.reshape(-1, 3072),
        key: targets,
        b"filenames": [b"x.png"] * 12,
        b"batch_label": b"testing batch 1 of 1",
    }
    path.write_bytes(pickle.dumps(content, protocol))
    return path


TARGETS = {10: [n % 10 for n in range(12)], 100: [n * 8 for n in range(12)]}


@pytest.mark.parametrize("classes", [10, 100])
@pytest.mark.parametrize("form", [write_binary, write_python])
@pytest.mark.parametrize("deep", [True, False])
def test_cifar(tmp_path: Path, classes: int, form: object, *, deep: bool) -> None:
    path = form(tmp_path, classes, TARGETS[classes])  # type: ignore[operator]
    cifar = read_cifar(tmp_path if deep else path.parent, classes)

    assert cifar is not None
    assert cifar.name == f"CIFAR-{classes}"
    assert np.array_equal(cifar.pixels, PIXELS)
    assert cifar.targets.tolist() == TARGETS[classes]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_every_protocol(tmp_path: Path, protocol: int) -> None:
    write_python(tmp_path, 10, TARGETS[10], protocol)
    cifar = read_cifar(tmp_path, 10)

    assert cifar is not None
    assert np.array_equal(cifar.pixels, PIXELS)


def test_python_2_wrote_another_module(tmp_path: Path) -> None:
    """The published files name ``numpy.core.multiarray``; new numpy calls it otherwise."""
    path = write_python(tmp_path, 10, TARGETS[10])
    data = path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    path.write_bytes(data)

    assert read_cifar(tmp_path, 10) is not None


def test_both_are_told_apart(tmp_path: Path) -> None:
    write_binary(tmp_path, 10, TARGETS[10])
    write_binary(tmp_path, 100, TARGETS[100])
    found = [read_cifar(tmp_path, classes) for classes in (10, 100)]

    assert [each.name for each in found if each] == ["CIFAR-10", "CIFAR-100"]


def test_nothing_there(tmp_path: Path) -> None:
    assert read_cifar(tmp_path, 10) is None


def test_a_pickle_that_wants_more_is_refused(tmp_path: Path) -> None:
    path = write_python(tmp_path, 10, TARGETS[10])
    path.write_bytes(pickle.dumps({b"data": datetime.date(2016, 1, 1)}))
    with pytest.raises(DataError, match=r"datetime\.date does not belong"):
        read_cifar(tmp_path, 10)


def test_code_is_not_run(tmp_path: Path) -> None:
    path = write_python(tmp_path, 10, TARGETS[10])
    victim = tmp_path / "victim"
    path.write_bytes(b"cpathlib\nPath\n(S'" + str(victim).encode() + b"'\ntR.")
    with pytest.raises(DataError, match="does not belong"):
        read_cifar(tmp_path, 10)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "expected a dictionary"),
        ({b"labels": [0]}, "'data' is no array"),
        ({b"data": np.zeros((1, 3072)), b"labels": [0]}, "'data' is no array"),
        ({b"data": np.zeros((1, 9), np.uint8), b"labels": [0]}, "'data' is no array"),
        ({b"data": np.zeros((1, 3072), np.uint8)}, "'labels' is no list"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]}, "1 labels for 2 images"),
        ({b"data": np.zeros((1, 3072), np.uint8), b"labels": [10]}, "labels from 10 to 10"),
        ({b"data": np.zeros((0, 3072), np.uint8), b"labels": []}, "no images"),
    ],
)
def test_faulty_pickles(tmp_path: Path, content: object, words: str) -> None:
    path = write_python(tmp_path, 10, TARGETS[10])
    path.write_bytes(pickle.dumps(content, 4))
    with pytest.raises(DataError, match=words):
        read_cifar(tmp_path, 10)


@pytest.mark.parametrize("length", [0, 1, 10, 1000, 30_000])
def test_cut_pickles(tmp_path: Path, length: int) -> None:
    path = write_python(tmp_path, 10, TARGETS[10])
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError):
        read_cifar(tmp_path, 10)


@pytest.mark.parametrize("length", [0, 1, 3072, 3074, 5000])
def test_cut_binaries(tmp_path: Path, length: int) -> None:
    path = write_binary(tmp_path, 10, TARGETS[10])
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=r"whole number of records|no images"):
        read_cifar(tmp_path, 10)


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_image_folder(tmp_path: Path) -> None:
    make(tmp_path, "val/b/2.JPEG", "val/a/1.JPEG", "val/a/0.jpg", "val/.hidden/x.jpg")
    make(tmp_path, "val/a/notes.txt", "train/zzz/x.jpg")
    val = tmp_path / "val"
    expected = [
        Sample(val / "a/0.jpg", 0),
        Sample(val / "a/1.JPEG", 0),
        Sample(val / "b/2.JPEG", 1),
    ]

    assert read_image_folder(tmp_path, 2) == expected
    assert read_image_folder(val, 2) == expected


def test_some_classes_by_id(tmp_path: Path) -> None:
    make(tmp_path, "val/n2/a.jpg", "val/n3/b.jpg")
    labels = Labels(("one", "two", "three"), ("n1", "n2", "n3"))

    assert [sample.target for sample in read_image_folder(tmp_path, 3, labels)] == [1, 2]


@pytest.mark.parametrize(
    ("labels", "targets"),
    [
        (Labels(("dog", "cat")), [1, 0]),  # the model's own order
        (Labels(("dog", "wolf")), [0, 1]),
        (Labels(("cat", "dog"), ("n2", "n1")), [0, 1]),  # ids are other names
        (Labels(("dog", "dog")), [0, 1]),
        (None, [0, 1]),
    ],
)
def test_folders_called_as_the_labels(
    tmp_path: Path, labels: Labels | None, targets: list[int]
) -> None:
    make(tmp_path, "val/cat/a.jpg", "val/dog/b.jpg")

    assert [sample.target for sample in read_image_folder(tmp_path, 2, labels)] == targets


@pytest.mark.parametrize("labels", [None, Labels(("one", "two", "three"), ("n1", "n2", "n4"))])
def test_unknown_classes(tmp_path: Path, labels: Labels | None) -> None:
    make(tmp_path, "val/n2/a.jpg", "val/n3/b.jpg")
    with pytest.raises(DataError, match="2 class folders for a network of 3 outputs"):
        read_image_folder(tmp_path, 3, labels)


def test_no_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_image_folder(tmp_path / "none", 2)
    with pytest.raises(DataError, match="no class folders"):
        read_image_folder(tmp_path, 2)
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="no picture in 1 class folders"):
        read_image_folder(tmp_path, 1)
