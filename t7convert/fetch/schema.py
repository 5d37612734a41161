"""What the catalogue says of a released checkpoint: typed, frozen records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from t7convert.fetch.addresses import Address

Task = Literal[
    "imagenet",
    "cifar10",
    "cifar100",
    "face embedding",
    "style transfer",
    "image translation",
    "other",
]
Interpolation = Literal["torch7-bicubic", "pillow-bicubic"]

NONE_STATED = "none stated"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")
_DIGEST_LENGTH = {"md5": 32, "sha1": 40, "sha256": 64}


@dataclass(frozen=True)
class Checksum:
    """A published digest by md5, sha1 or sha256; ``source`` is the page that states it."""

    algorithm: str
    digest: str
    source: str

    def __post_init__(self) -> None:
        length = _DIGEST_LENGTH.get(self.algorithm)
        if length is None or not re.fullmatch(rf"[0-9a-f]{{{length}}}", self.digest):
            raise ValueError(f"{self.algorithm}:{self.digest} is no checksum")


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input, in Lua's order: scale, resize, normalise, crop.

    Attributes:
        name: what the documents call it.
        scale: pixel values run from 0 to this before ``mean`` and ``std`` are applied.
        mean: subtracted per channel (R, G, B).
        std: divided by, per channel.
        resize: the length that the shorter side gets, or None for no resizing.
        crop: the side of the centre crop, or None for none.
        interpolation: ``torch7-bicubic`` computes what Lua's ``image.scale`` computed.
    """

    name: str
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: int | None = None
    crop: int | None = None
    interpolation: Interpolation = "torch7-bicubic"


IMAGENET_PREPROCESSING = Preprocessing(
    name="fb.resnet.torch validation",
    scale=1.0,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    resize=256,
    crop=224,
)
CIFAR10_PREPROCESSING = Preprocessing(
    name="CIFAR-10 mean and standard deviation",
    scale=255.0,
    mean=(125.3, 123.0, 113.9),
    std=(63.0, 62.1, 66.7),
)
CIFAR100_PREPROCESSING = Preprocessing(
    name="CIFAR-100 mean and standard deviation",
    scale=255.0,
    mean=(129.3, 124.1, 112.4),
    std=(68.2, 65.4, 70.4),
)
PREPROCESSINGS = {
    "imagenet": IMAGENET_PREPROCESSING,
    "cifar10": CIFAR10_PREPROCESSING,
    "cifar100": CIFAR100_PREPROCESSING,
}


@dataclass(frozen=True)
class ErrorRate:
    """A published error rate in percent, on ``dataset``'s validation or test images."""

    dataset: str
    crops: str
    top1: float
    top5: float | None
    source: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One released checkpoint.

    Attributes:
        name: what ``t7convert download`` calls it.
        addresses: where the file was published; they are tried in turn.
        source: the public page that states the addresses.
        licence: the licence of the weights as stated, or ``none stated`` and what is known.
        architecture: one line for people.
        parameters: numbers with every tensor counted once, as the published definition builds it.
        parameters_unshared: the same with shared tensors counted every time.
        select: where in the file the network is, when the file is a table.
        stated_size: the size as its page states it; never used for checking.
        checksum: a published digest; most releases have none.
        builder: the name of the definition in ``t7convert.models``, if there is one.
        labels: the name of a bundled list of classes.
        quirks: what surprises those who convert it.
    """

    name: str
    addresses: tuple[Address, ...]
    source: str
    licence: str
    architecture: str
    task: Task
    classes: int | None = None
    parameters: int | None = None
    parameters_unshared: int | None = None
    preprocessing: Preprocessing | None = None
    preprocessing_note: str = ""
    errors: tuple[ErrorRate, ...] = ()
    select: str = ""
    stated_size: str = ""
    checksum: Checksum | None = None
    builder: str | None = None
    labels: str | None = None
    paper: str = ""
    quirks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} is no name: lower case, digits, . _ - only")
        if not self.addresses:
            raise ValueError(f"{self.name}: no address")

    @property
    def filename(self) -> str:
        """The name of the file in the cache."""
        return f"{self.name}.t7"
