"""Other ImageNet classifiers of the Torch7 years: Wide ResNet, ResNeXt, DenseNet."""

from __future__ import annotations

from t7convert.fetch.addresses import Direct, GoogleDrive, YandexDisk
from t7convert.fetch.schema import IMAGENET_PREPROCESSING, NONE_STATED, Entry, ErrorRate

_WRN_PAGE = "https://github.com/szagoruyko/wide-residual-networks/tree/master/pretrained"
_RESNEXT_PAGE = "https://github.com/facebookresearch/ResNeXt"
_DENSENET_PAGE = "https://github.com/liuzhuang13/DenseNet"

_WRN_50_2 = Entry(
    name="wrn-50-2",
    addresses=(YandexDisk("https://yadi.sk/d/-8AWymOPyVZns"),),
    source=_WRN_PAGE,
    licence=f"{NONE_STATED} for the weights (the repository: BSD-2-Clause)",
    architecture="WRN-50-2-bottleneck: ResNet-50 with inner 3x3 convolutions twice as wide",
    task="imagenet",
    classes=1000,
    parameters=68_883_240,
    parameters_unshared=68_883_240,
    preprocessing=IMAGENET_PREPROCESSING,
    preprocessing_note="the page does not state it; it compares with fb.resnet.torch's networks",
    errors=(ErrorRate("ImageNet", "centre crop 224", 21.9, 6.03, _WRN_PAGE),),
    labels="imagenet",
    stated_size="263MB",
    paper="https://arxiv.org/abs/1605.07146",
    quirks=("the front page of the repository states 5.79 % for top-5 instead of 6.03 %",),
)


def _resnext(depth: int, template: str, parameters: int, top1: float, size: str) -> Entry:
    return Entry(
        name=f"resnext{depth}-{template}",
        addresses=(
            Direct(
                f"https://s3.amazonaws.com/resnext/imagenet_models/resnext_{depth}_{template}.t7"
            ),
        ),
        source=_RESNEXT_PAGE,
        licence="CC BY-NC 4.0",
        architecture=f"ResNeXt-{depth} ({template}): grouped 3x3 convolutions",
        task="imagenet",
        classes=1000,
        parameters=parameters,
        parameters_unshared=parameters,
        preprocessing=IMAGENET_PREPROCESSING,
        errors=(ErrorRate("ImageNet", "centre crop 224", top1, None, _RESNEXT_PAGE),),
        labels="imagenet",
        stated_size=size,
        paper="https://arxiv.org/abs/1611.05431",
    )


def _densenet(
    layers: int, growth: int, file_id: str, *, parameters: int, top1: float, size: str
) -> Entry:
    return Entry(
        name=f"densenet{layers}",
        addresses=(GoogleDrive(file_id),),
        source=_DENSENET_PAGE,
        licence=f"{NONE_STATED} for the weights (the repository: BSD-3-Clause)",
        architecture=f"DenseNet-{layers} (k={growth})",
        task="imagenet",
        classes=1000,
        parameters=parameters,
        parameters_unshared=parameters,
        preprocessing=IMAGENET_PREPROCESSING,
        errors=(ErrorRate("ImageNet", "centre crop 224", top1, None, _DENSENET_PAGE),),
        labels="imagenet",
        stated_size=size,
        paper="https://arxiv.org/abs/1608.06993",
        quirks=(
            "the file id is of the old kind: Google Drive may ask for a resource key, which was "
            "never published",
        ),
    )


ENTRIES = (
    _WRN_50_2,
    _resnext(50, "32x4d", 25_028_904, 22.2, "191MB"),
    _resnext(101, "32x4d", 44_177_704, 21.2, "338MB"),
    _resnext(101, "64x4d", 83_455_272, 20.4, "638MB"),
    _densenet(
        121, 32, "0B8ReS-sYUS-HWFViYlVlZk9sdHc", parameters=7_978_856, top1=25.0, size="64.5MB"
    ),
    _densenet(
        169, 32, "0B8ReS-sYUS-HY25Dc2VrUGlVSGc", parameters=14_149_480, top1=23.6, size="114.4MB"
    ),
    _densenet(
        201, 32, "0B8ReS-sYUS-HaDdpNmlWRjJkd3c", parameters=20_013_928, top1=22.5, size="161.8MB"
    ),
    _densenet(
        161, 48, "0B8ReS-sYUS-HVXp2RExSTmMzZVU", parameters=28_681_000, top1=22.2, size="230.8MB"
    ),
)
