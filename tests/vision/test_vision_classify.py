"""``classify`` on pictures and networks whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_networks import CIFAR_GREYS, GREYS, write_network
from vision_runs import CLASSIFY, ROOT, WritePicture, run

from t7convert import api
from t7convert.errors import T7Error
from t7convert.fetch.schema import IMAGENET_PREPROCESSING
from t7convert.format import load
from t7convert.lua.tree import build
from t7convert.reference import Executor
from t7convert.vision.ranking import rank
from t7convert.vision.scores import probabilities
from t7convert.vision.transforms import transform_for


def test_classify(imagenet_like: Path, tmp_path: Path, grey_picture: WritePicture) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"grey {grey}" for grey in GREYS))
    pictures = [grey_picture(tmp_path / f"in/{grey}.png", grey) for grey in GREYS]
    result = run(
        CLASSIFY, imagenet_like, tmp_path / "in", "--preprocess", "imagenet", "--labels", labels
    )
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert len(lines) == 6 * 6
    for start, path in zip(range(0, 36, 6), sorted(pictures), strict=True):
        assert lines[start] == str(path)
        assert lines[start + 1].split("%  ")[1] == f"grey {path.stem}"


def test_classify_gives_the_references_probabilities(
    imagenet_like: Path, tmp_path: Path, grey_picture: WritePicture
) -> None:
    picture = grey_picture(tmp_path / "a.png", 90)
    result = run(CLASSIFY, imagenet_like, picture, "--preprocess", "imagenet", "--json", "--top", 6)
    record = json.loads(result.stdout)["images"][0]
    found = {row["index"]: row["probability"] for row in record["top"]}
    pixels = transform_for(IMAGENET_PREPROCESSING)(picture).double().numpy()[None]
    scores = Executor().run(build(load(imagenet_like), ""), pixels)
    expected = probabilities(torch.from_numpy(np.asarray(scores)))[0]

    assert record["image"] == str(picture)
    assert len(found) == 6
    for index, probability in found.items():
        assert abs(probability - float(expected[index])) < 1e-6
    assert next(iter(found)) == int(expected.argmax())


@pytest.mark.parametrize("net", ["sharesnet-cifar-basic", "wide-sharesnet"])
def test_probabilities_of_a_real_torch7(net: str) -> None:
    """The golden networks of CIFAR's size: what Torch7 computed in double, through SoftMax."""
    folder = ROOT / "fixtures" / "nets" / net
    network = api.to_module(folder / "model.t7.xz").double()
    io = load(folder / "io.t7.xz")
    images = torch.from_numpy(np.array(io["input"].numpy()))
    expected = probabilities(torch.from_numpy(np.array(io["output64"].numpy())))
    for image, row in zip(images, expected, strict=True):
        for ranked in rank(network, image, top=5):
            assert abs(ranked.probability - float(row[ranked.index])) < 1e-6


def test_classify_what_is_no_picture(
    imagenet_like: Path, tmp_path: Path, grey_picture: WritePicture
) -> None:
    picture = grey_picture(tmp_path / "a.png", 60)
    (tmp_path / "b.png").write_bytes(b"nothing")
    result = run(CLASSIFY, imagenet_like, tmp_path / "b.png", picture, "--preprocess", "imagenet")

    assert result.exit_code == 1
    assert f"{tmp_path / 'b.png'}: no picture that Pillow can read" in result.stderr
    assert str(picture) in result.stdout


def test_classify_pictures_of_sizes_that_do_not_fit(
    cifar_like: Path, tmp_path: Path, grey_picture: WritePicture
) -> None:
    large = grey_picture(tmp_path / "a.png", 60, (70, 70))
    fitting = grey_picture(tmp_path / "b.png", CIFAR_GREYS[2], (32, 32))
    result = run(CLASSIFY, cifar_like, large, fitting, "--preprocess", "cifar10", "--top", 1)

    assert result.exit_code == 1
    assert f"{large}: the network" in result.stderr
    assert "gives no scores for pictures of 70x70: its output is" in result.stderr
    assert "class 2" in result.stdout


def test_labels_of_the_file_itself(tmp_path: Path, grey_picture: WritePicture) -> None:
    names = {number + 1: f"own {number}" for number in range(10)}
    model = write_network(tmp_path / "table.t7", 32, "cifar10", 10, class_names=names, epoch=3)
    picture = grey_picture(tmp_path / "a.png", CIFAR_GREYS[4], (32, 32))
    result = run(CLASSIFY, model, picture, "--top", 1)

    assert "own 4" in result.stdout
    assert "preprocessing 'cifar10' is assumed (10 outputs)" in result.stderr


def test_no_classifier(tmp_path: Path, grey_picture: WritePicture) -> None:
    picture = grey_picture(tmp_path / "a.png", 0)
    model = ROOT / "fixtures" / "nets" / "nngraph-lstm" / "model.t7.xz"
    with pytest.raises(T7Error, match="preprocess"):
        run(CLASSIFY, model, picture)
    with pytest.raises(T7Error, match=r"does not take pictures|no classifier"):
        run(CLASSIFY, model, picture, "--preprocess", "cifar10")


def test_wrong_number_of_labels(
    imagenet_like: Path, tmp_path: Path, grey_picture: WritePicture
) -> None:
    (tmp_path / "labels").write_text("a\nb\n")
    picture = grey_picture(tmp_path / "a.png", 0)
    with pytest.raises(T7Error, match="2 labels for a network of 6 outputs"):
        run(
            CLASSIFY, imagenet_like, picture, "--preprocess", "imagenet",
            "--labels", tmp_path / "labels",
        )  # fmt: skip
