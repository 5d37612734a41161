"""The ShaResNets for ImageNet that the paper's authors published on Google Drive."""

from __future__ import annotations

from t7convert.fetch.addresses import GoogleDrive
from t7convert.fetch.schema import IMAGENET_PREPROCESSING, NONE_STATED, Entry, ErrorRate

_PAGE = "https://github.com/aboulch/sharesnet"


def _sharesnet(
    depth: int, file_id: str, parameters: int, unshared: int, error: tuple[float, float]
) -> Entry:
    return Entry(
        name=f"resnet{depth}-shared",
        addresses=(GoogleDrive(file_id),),
        source=_PAGE,
        licence=f"{NONE_STATED} for the weights (the repository's code: GPL-3.0)",
        architecture=f"ShaResNet-{depth}: the spatial convolutions of a stage share one weight",
        task="imagenet",
        classes=1000,
        parameters=parameters,
        parameters_unshared=unshared,
        preprocessing=IMAGENET_PREPROCESSING,
        errors=(ErrorRate("ImageNet", "centre crop 224", *error, _PAGE),),
        builder=f"sharesnet{depth}",
        labels="imagenet",
        paper="https://arxiv.org/abs/1702.08782",
        quirks=(
            "the file id is of the old kind: Google Drive may ask for a resource key, which was "
            "never published",
        ),
    )


ENTRIES = (
    _sharesnet(34, "0B6IogDVqG75WcXVIRDE0Zy1mekU", 13_613_864, 21_797_672, (28.25, 9.42)),
    _sharesnet(50, "0B6IogDVqG75Wd1VfZ0xSSmJ2M1U", 20_469_800, 25_557_032, (24.61, 7.41)),
    _sharesnet(101, "0B6IogDVqG75WZkxaai1uMFRuUjQ", 29_434_920, 44_549_160, (22.91, 6.55)),
    _sharesnet(152, "0B6IogDVqG75WWGY2OUtRNnk0Q0k", 36_821_032, 60_192_808, (22.23, 6.14)),
)
