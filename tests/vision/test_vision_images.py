"""Pictures of every kind, and what is none: modes, orientation, folders of them."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from t7convert.fetch.schema import (
    CIFAR10_PREPROCESSING,
)
from t7convert.vision.images import (
    ImageError,
    MissingPillowError,
    find_images,
    open_image,
    rgb_values,
)
from t7convert.vision.transforms import transform_for

F = np.float32


@pytest.mark.parametrize(("kind", "mode"), [(np.int32, "I"), (np.float32, "F")])
def test_pixels_without_a_scale_are_refused(tmp_path: Path, kind: type, mode: str) -> None:
    Image.fromarray(np.ones((8, 8), kind)).save(tmp_path / "a.tiff")
    with pytest.raises(ImageError, match=rf"a\.tiff: pixels of 32 bits \(mode {mode}\)"):
        transform_for(CIFAR10_PREPROCESSING)(tmp_path / "a.tiff")


def test_older_pillow_calls_16_bits_32(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 65535]], np.int32))
    image.format = "PNG"

    assert rgb_values(image)[0, 0].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "I;16", "CMYK", "YCbCr"])
def test_modes(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.array([[0, 65535], [257, 32768]], np.uint16))
    else:
        colours = np.array([[[0, 0, 0], [255, 255, 255]], [[90, 90, 90], [9, 9, 9]]], np.uint8)
        image = Image.fromarray(colours).convert(mode)
    values = rgb_values(image)

    assert values.shape == (3, 2, 2)
    assert values.dtype == np.float32
    assert values[0, 0].tolist() == [0.0, 1.0]


def test_alpha_is_dropped() -> None:
    pixels = np.array([[[10, 20, 30, 0]]], np.uint8)

    assert np.array_equal(
        rgb_values(Image.fromarray(pixels))[:, 0, 0], np.array([10, 20, 30], F) * F(1 / 255)
    )


def test_cmyk_jpeg_as_lua_took_it(tmp_path: Path) -> None:
    """Lua took the first three of the four channels as they stand in the file."""
    cmyk = np.zeros((16, 16, 4), np.uint8)
    cmyk[..., 0], cmyk[..., 3] = 200, 100
    Image.fromarray(cmyk, mode="CMYK").save(tmp_path / "a.jpg", quality=100)
    values = rgb_values(open_image(tmp_path / "a.jpg"))

    assert np.allclose(values[:, 8, 8] * 255, [55, 255, 255], atol=2)


def test_orientation_is_ignored(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)

    assert rgb_values(open_image(tmp_path / "a.jpg")).shape == (3, 20, 40)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "no picture"), (b"<html>", "no picture"), (None, "No such file")],
)
def test_no_pictures(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=words) as caught:
        open_image(path)

    assert str(path) in str(caught.value)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        open_image(tmp_path)


def test_missing_pillow_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "PIL":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPillowError, match=r'pip install "t7convert\[vision\]"'):
        open_image(tmp_path / "a.jpg")


def test_find_images(tmp_path: Path) -> None:
    for name in ("b.JPEG", "a.png", "sub/c.webp", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    found = find_images([tmp_path, tmp_path / "notes.txt"])

    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "a.png",
        "b.JPEG",
        "sub/c.webp",
        "notes.txt",
    ]


def test_find_images_faults(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file or folder"):
        find_images([tmp_path / "none"])
    with pytest.raises(ImageError, match="no picture in this folder"):
        find_images([tmp_path])
