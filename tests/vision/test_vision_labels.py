"""Lists of classes and what they fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from t7convert.vision.labels import (
    Labels,
    LabelsError,
    bundled_labels,
    labels_from_value,
    read_labels,
)


def test_imagenet() -> None:
    labels = bundled_labels("imagenet")

    assert len(labels.names) == 1000
    assert labels.ids is not None
    assert list(labels.ids) == sorted(set(labels.ids))
    assert (labels.ids[0], labels.name(0)) == ("n01440764", "tench, Tinca tinca")
    assert labels.name(285) == "Egyptian cat"
    assert labels.ids[999] == "n15075141"


def test_cifar10() -> None:
    assert bundled_labels("cifar10").name(3) == "cat"


def test_unknown_list() -> None:
    with pytest.raises(LabelsError, match="'mnist'"):
        bundled_labels("mnist")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat\ndog\n", Labels(("cat", "dog"))),
        ("# classes\n\ncat\ndog", Labels(("cat", "dog"))),
        ("n00000001 cat, puss\n", Labels(("cat, puss",), ("n00000001",))),
        ("n00000001\tcat\nn00000002\tdog", Labels(("cat", "dog"), ("n00000001", "n00000002"))),
        ("synset,words\nn00000001,cat\n", Labels(("cat",), ("n00000001",))),
        ('["cat", "dog"]', Labels(("cat", "dog"))),
        ('{"1": "dog", "0": "cat"}', Labels(("cat", "dog"))),
        ('{"1": "cat", "2": "dog"}', Labels(("cat", "dog"))),
        ('{"0": ["n1", "cat"]}', Labels(("cat",), ("n1",))),
    ],
)  # fmt: skip
def test_files(tmp_path: Path, text: str, expected: Labels) -> None:
    (tmp_path / "labels").write_text(text)

    assert read_labels(tmp_path / "labels") == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "# nothing\n", "[", "[1, 2]", '{"a": "cat"}', '{"0": "cat", "2": "dog"}',
        '{"5": "cat"}', "[]", "{}",
    ],
)  # fmt: skip
def test_faulty_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels").write_text(text)
    with pytest.raises(LabelsError, match="labels: "):
        read_labels(tmp_path / "labels")


def test_no_text(tmp_path: Path) -> None:
    (tmp_path / "labels").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabelsError):
        read_labels(tmp_path / "labels")


def test_ten_thousand_digits_are_no_list(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text(json.dumps({"0": 1}))
    with pytest.raises(LabelsError, match="expected names"):
        read_labels(tmp_path / "labels")


def test_check() -> None:
    with pytest.raises(LabelsError, match="2 labels for a network of 3 outputs"):
        Labels(("a", "b")).check(3)


def test_values_of_a_file() -> None:
    assert labels_from_value(["a", "b"]) == Labels(("a", "b"))
    assert labels_from_value([]) is None
    assert labels_from_value([1.0]) is None
    assert labels_from_value("ab") is None
