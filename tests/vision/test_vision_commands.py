"""``classify`` and ``eval`` on pictures whose answers are known, by one process and by two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_vision_data import write_binary, write_python
from tiny_networks import CIFAR_GREYS, CLASSES
from vision_runs import CLASSIFY, DOWNLOAD, EVAL, ROOT, WritePicture, run

from t7convert import api
from t7convert.errors import T7Error


def evaluation(*arguments: object) -> dict[str, object]:
    result = run(EVAL, *arguments, "--json", "--workers", 0)
    record = json.loads(result.stdout)
    assert isinstance(record, dict)
    return record


def test_eval_of_a_folder(imagenet_like: Path, folder: Path) -> None:
    record = evaluation(imagenet_like, "--data", folder, "--preprocess", "imagenet")

    assert record["images"] == 24
    assert record["top1_wrong"] == 5
    assert record["top5_wrong"] == 2
    assert record["top1_error"] == 100 * 5 / 24
    assert record["unreadable"] == []


@pytest.mark.parametrize("extra", [["--batch-size", 5], ["--ten-crop"], ["--pillow-resize"]])
def test_eval_the_same_in_every_way(imagenet_like: Path, folder: Path, extra: list[object]) -> None:
    record = evaluation(imagenet_like, "--data", folder, "--preprocess", "imagenet", *extra)

    assert (record["top1_wrong"], record["top5_wrong"]) == (5, 2)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # torch's, on Python 3.12 and 3.13
def test_eval_with_workers(imagenet_like: Path, folder: Path) -> None:
    result = run(EVAL, imagenet_like, "--data", folder, "--preprocess", "imagenet", "--workers", 2)

    assert result.exit_code == 0
    assert "24 images" in result.stdout
    assert "top-1 error 20.833 %" in result.stdout
    assert "top-5 error 8.333 %" in result.stdout


def test_unreadable_pictures_are_named(imagenet_like: Path, folder: Path) -> None:
    bad = folder / "val/class_3/9.JPEG"
    bad.write_bytes(b"<html>")
    result = run(EVAL, imagenet_like, "--data", folder, "--preprocess", "imagenet", "--workers", 0)

    assert result.exit_code == 1
    assert "1 images could not be read and are not counted" in result.stdout
    assert str(bad) in result.stdout
    assert "24 images" in result.stdout


def test_nothing_readable(imagenet_like: Path, tmp_path: Path) -> None:
    for label in range(CLASSES):
        path = tmp_path / f"val/{label}/a.jpg"
        path.parent.mkdir(parents=True)
        path.touch()
    with pytest.raises(T7Error, match="none of 6 images can be read"):
        run(EVAL, imagenet_like, "--data", tmp_path, "--preprocess", "imagenet", "--workers", 0)


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Twelve grey images; every third label is wrong by one class, the last one by nine."""
    labels = [number % 10 for number in range(12)]
    pixels = np.stack([np.full((3, 32, 32), CIFAR_GREYS[k], np.uint8) for k in labels])
    monkeypatch.setattr("test_vision_data.PIXELS", pixels)
    return [9 if k == 0 else k + 1 if n % 3 == 1 and k < 9 else k for n, k in enumerate(labels)]


@pytest.mark.parametrize("form", [write_binary, write_python])
def test_eval_of_cifar(
    cifar_like: Path, tmp_path: Path, cifar: list[int], form: Callable[..., Path]
) -> None:
    form(tmp_path / "data", 10, cifar)
    labels = [number % 10 for number in range(12)]
    wrong = sum(a != b for a, b in zip(cifar, labels, strict=True))
    far = sum(abs(a - b) > 4 for a, b in zip(cifar, labels, strict=True))
    record = evaluation(cifar_like, "--data", tmp_path / "data", "--preprocess", "cifar10")

    assert record["dataset"] == "CIFAR-10"
    assert (record["top1_wrong"], record["top5_wrong"]) == (wrong, far)
    assert wrong > far > 0


def test_two_processes_count_the_same(imagenet_like: Path, folder: Path, tmp_path: Path) -> None:
    """torchrun with gloo; an unreadable picture falls to one of the two."""
    (folder / "val/class_3/9.JPEG").write_bytes(b"<html>")
    one = evaluation(imagenet_like, "--data", folder, "--preprocess", "imagenet")
    script = tmp_path / "run_eval.py"
    script.write_text(
        "from t7convert.commands.cli_weights import COMMANDS\nCOMMANDS[2](auto_envvar_prefix='X')\n"
    )
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        str(script), str(imagenet_like), "--data", str(folder), "--preprocess", "imagenet",
        "--json", "--workers", "0", "--device", "cpu",
    ]  # fmt: skip
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    start, end = done.stdout.find("{"), done.stdout.rfind("}")
    assert start >= 0, done.stderr
    two = json.loads(done.stdout[start : end + 1])
    del one["seconds"], two["seconds"]

    assert two == one
    assert two["images"] == 24
    assert len(two["unreadable"]) == 1


def test_eval_of_pictures_of_several_sizes(
    cifar_like: Path, tmp_path: Path, grey_picture: WritePicture
) -> None:
    for label in range(10):
        for number, size in enumerate([(32, 32), (33, 40)]):
            grey_picture(tmp_path / f"val/{label}/{number}.png", CIFAR_GREYS[label], size)
    record = evaluation(cifar_like, "--data", tmp_path, "--preprocess", "cifar10")

    assert (record["images"], record["top1_wrong"]) == (20, 0)


def test_ten_crops_of_what_is_not_cropped(cifar_like: Path, tmp_path: Path) -> None:
    with pytest.raises(T7Error, match="there are no ten crops"):
        run(EVAL, cifar_like, "--data", tmp_path, "--preprocess", "cifar10", "--ten-crop")


def test_another_network_of_a_known_name(
    tmp_path: Path, cifar_like: Path, grey_picture: WritePicture
) -> None:
    """Who calls a file of his own resnet18.t7 does not get ImageNet's preprocessing."""
    own = tmp_path / "resnet18.t7"
    own.write_bytes(cifar_like.read_bytes())
    picture = grey_picture(tmp_path / "a.png", CIFAR_GREYS[3], (32, 32))
    result = run(CLASSIFY, own, picture, "--top", 1)

    assert "preprocessing 'cifar10' is assumed" in result.stderr
    assert "class 3" in result.stdout


def test_a_converted_file(tmp_path: Path, cifar_like: Path, grey_picture: WritePicture) -> None:
    api.convert(cifar_like, tmp_path / "out.pt")
    picture = grey_picture(tmp_path / "a.png", CIFAR_GREYS[7], (32, 32))
    result = run(CLASSIFY, tmp_path / "out.pt", picture, "--preprocess", "cifar10", "--top", 1)

    assert "class 7" in result.stdout
    assert "no labels are known" in result.stderr


def test_a_network_by_name(
    tmp_path: Path, cifar_like: Path, grey_picture: WritePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's catalogue names a file:// mirror; entry, labels and published error come with it."""
    catalogue = tmp_path / "my.toml"
    catalogue.write_text(
        f'[[entry]]\nname = "tiny"\naddresses = ["{cifar_like.as_uri()}"]\ntask = "cifar10"\n'
        'classes = 10\npreprocessing = "cifar10"\nlabels = "cifar10"\ntop1_error = 50.0\n'
    )
    common = ["--catalogue", catalogue, "--cache-dir", tmp_path / "cache"]
    picture = grey_picture(tmp_path / "a.png", CIFAR_GREYS[3], (32, 32))
    monkeypatch.setattr(
        "test_vision_data.PIXELS", np.full((12, 3, 32, 32), CIFAR_GREYS[3], np.uint8)
    )
    write_binary(tmp_path / "data", 10, [3] * 6 + [4] * 6)

    assert "cat" in run(CLASSIFY, "tiny", picture, "--top", 1, *common).stdout
    path = run(DOWNLOAD, "tiny", *common).stdout
    assert path == f"{tmp_path / 'cache' / 'tiny.t7'}\n"
    result = run(EVAL, "tiny", "--data", tmp_path / "data", "--workers", 0, *common)
    assert "top-1 error 50.000 %" in result.stdout
    assert "published 50.00 %" in result.stdout

    api.convert(tmp_path / "cache/tiny.t7", tmp_path / "out.pt")
    converted = run(CLASSIFY, tmp_path / "out.pt", picture, "--top", 1, "--catalogue", catalogue)
    assert "cat" in converted.stdout


def test_usage() -> None:
    assert run(DOWNLOAD).exit_code == 2
    assert run(DOWNLOAD, "a", "b", "--url", "http://x/y").exit_code == 2
    assert run(CLASSIFY, "a").exit_code == 2
    assert run(EVAL, "a").exit_code == 2
