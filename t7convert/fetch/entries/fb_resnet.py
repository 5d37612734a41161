"""fb.resnet.torch's residual networks for ImageNet."""

from __future__ import annotations

from t7convert.fetch.addresses import Direct
from t7convert.fetch.schema import IMAGENET_PREPROCESSING, NONE_STATED, Entry, ErrorRate

_PAGE = "https://github.com/facebookarchive/fb.resnet.torch/tree/master/pretrained"
_CDN = "https://d2j0dndfm35trm.cloudfront.net/resnet-{depth}.t7"
# What the same page stated before May 2016.
_TORCH7_BUCKET = "http://torch7.s3-website-us-east-1.amazonaws.com/data/resnet-{depth}.t7"
_AUTHOR_BUCKET = (
    "https://s3.amazonaws.com/sgross-deb4ce8637a36c926e0fabb513f03bfcae74f1b5/resnet-{depth}.t7"
)


def _resnet(
    depth: int,
    parameters: int | None,
    one_crop: tuple[float, float],
    ten_crop: tuple[float, float],
    *,
    older: str,
    quirks: tuple[str, ...] = (),
    more_errors: tuple[ErrorRate, ...] = (),
) -> Entry:
    return Entry(
        name=f"resnet{depth}",
        addresses=(Direct(_CDN.format(depth=depth)), Direct(older.format(depth=depth))),
        source=_PAGE,
        licence=f"{NONE_STATED} for the weights (the repository: BSD-3-Clause with a patent grant)",
        architecture=f"ResNet-{depth}",
        task="imagenet",
        classes=1000,
        parameters=parameters,
        parameters_unshared=parameters,
        preprocessing=IMAGENET_PREPROCESSING,
        errors=(
            ErrorRate("ImageNet", "centre crop 224", *one_crop, _PAGE),
            ErrorRate("ImageNet", "10 crops 224", *ten_crop, _PAGE),
            *more_errors,
        ),
        labels="imagenet",
        paper="https://arxiv.org/abs/1512.03385",
        quirks=quirks,
    )


_AFTER_ADDITION = (
    "batch normalisation stands after the addition, not after the last convolution of the branch, "
    "so its keys and its count are not those of torchvision's resnet50"
)
_PREACTIVATION = "the full pre-activation variant (arXiv 1603.05027)"

ENTRIES = (
    _resnet(18, 11_689_512, (30.43, 10.76), (28.22, 9.42), older=_TORCH7_BUCKET),
    _resnet(34, 21_797_672, (26.73, 8.74), (24.76, 7.35), older=_TORCH7_BUCKET),
    _resnet(
        50, None, (24.01, 7.02), (22.24, 6.08), older=_TORCH7_BUCKET, quirks=(_AFTER_ADDITION,)
    ),
    _resnet(101, 44_549_160, (22.44, 6.21), (21.08, 5.35), older=_TORCH7_BUCKET),
    _resnet(152, 60_192_808, (22.16, 6.16), (20.69, 5.21), older=_AUTHOR_BUCKET),
    _resnet(
        200,
        64_666_152,
        (21.66, 5.79),
        (20.15, 4.93),
        older=_AUTHOR_BUCKET,
        quirks=(_PREACTIVATION,),
        more_errors=(ErrorRate("ImageNet", "centre crop 320", 20.1, 4.8, _PAGE),),
    ),
)
