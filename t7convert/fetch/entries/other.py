"""Checkpoints that are no image classifiers: faces, style transfer, translation, segmentation."""

from __future__ import annotations

from t7convert.fetch.addresses import Direct
from t7convert.fetch.schema import NONE_STATED, Checksum, Entry, Task

_OPENFACE_PAGE = "https://github.com/cmusatyalab/openface/blob/master/docs/models-and-accuracies.md"
_OPENFACE_SCRIPT = "https://github.com/cmusatyalab/openface/blob/master/models/get-models.sh"
_STYLE_PAGE = (
    "https://github.com/jcjohnson/fast-neural-style/blob/master/models/"
    "download_style_transfer_models.sh"
)
_STYLE_ROOT = "http://cs.stanford.edu/people/jcjohns/fast-neural-style/models"
_CYCLEGAN_PAGE = (
    "https://github.com/junyanz/CycleGAN/blob/master/pretrained_models/download_model.sh"
)
_PIX2PIX_PAGE = "https://github.com/phillipi/pix2pix/blob/master/models/download_model.sh"
_ADAIN_PAGE = "https://github.com/xunhuang1995/AdaIN-style/blob/master/models/download_models.sh"
_DEEPMASK_PAGE = "https://github.com/facebookresearch/deepmask"
_MULTIPATH_PAGE = "https://github.com/facebookresearch/multipathnet"


def _openface(model: str, parameters: int | None, checksum: Checksum | None = None) -> Entry:
    return Entry(
        name=f"openface-{model}",
        addresses=(
            Direct(f"https://storage.cmusatyalab.org/openface-models/{model}.t7"),
            Direct(f"http://openface-models.storage.cmusatyalab.org/{model}.t7"),
        ),
        source=_OPENFACE_PAGE,
        licence="Apache-2.0",
        architecture=f"OpenFace {model}: 128 numbers for an aligned face of 96x96",
        task="face embedding",
        parameters=parameters,
        parameters_unshared=parameters,
        preprocessing_note="aligned by dlib, RGB in 0..1, 96x96, no mean or deviation",
        checksum=checksum,
        quirks=("written with dpnn's nn.Inception and batch normalisation of 2015",),
    )


def _style(group: str, style: str) -> Entry:
    return Entry(
        name=f"style-{group.replace('_', '-')}-{style.replace('_', '-')}",
        addresses=(Direct(f"{_STYLE_ROOT}/{group}/{style}.t7"),),
        source=_STYLE_PAGE,
        licence="free for personal or research use; commercial use by asking the author",
        architecture=f"fast-neural-style ({group}): {style}",
        task="style transfer",
        preprocessing_note="VGG's: BGR, 0..255, minus the mean 103.939, 116.779, 123.68",
        select="model",
        paper="https://arxiv.org/abs/1603.08155",
        quirks=("the file is a table; the network is its field 'model'",),
    )


def _translation(name: str, url: str, page: str, paper: str) -> Entry:
    return Entry(
        name=name,
        addresses=(Direct(url),),
        source=page,
        licence=f"{NONE_STATED} for the weights (the repository: BSD)",
        architecture="generator of a conditional adversarial network",
        task="image translation",
        preprocessing_note="RGB in -1..1",
        paper=paper,
    )


def _plain(name: str, url: str, page: str, architecture: str, task: Task = "other") -> Entry:
    return Entry(
        name=name,
        addresses=(Direct(url),),
        source=page,
        licence=f"{NONE_STATED} for the weights (the repository: BSD)",
        architecture=architecture,
        task=task,
    )


_CYCLEGAN = (
    "apple2orange", "orange2apple", "horse2zebra", "zebra2horse", "facades_photo2label",
    "facades_label2photo", "map2sat", "sat2map", "monet2photo", "style_monet", "style_vangogh",
    "style_cezanne", "style_ukiyoe", "summer2winter_yosemite", "winter2summer_yosemite",
    "iphone2dslr_flower",
)  # fmt: skip
_PIX2PIX = (
    "facades_label2image", "cityscapes_label2image", "cityscapes_image2label", "edges2shoes",
    "edges2handbags", "day2night",
)  # fmt: skip

ENTRIES = (
    _openface("nn4.v1", 6_959_088),
    _openface("nn4.v2", 6_959_088),
    _openface("nn4.small1.v1", 5_579_520),
    _openface(
        "nn4.small2.v1",
        3_733_968,
        Checksum("md5", "c95bfd8cc1adf05210e979ff623013b6", _OPENFACE_SCRIPT),
    ),
    *(
        _style("instance_norm", style)
        for style in ("candy", "la_muse", "mosaic", "feathers", "the_scream", "udnie")
    ),
    *(
        _style("eccv16", style)
        for style in ("the_wave", "starry_night", "la_muse", "composition_vii")
    ),
    *(
        _translation(
            f"cyclegan-{name.replace('_', '-')}",
            f"https://people.eecs.berkeley.edu/~taesung_park/CycleGAN/models/{name}.t7",
            _CYCLEGAN_PAGE,
            "https://arxiv.org/abs/1703.10593",
        )
        for name in _CYCLEGAN
    ),
    *(
        _translation(
            f"pix2pix-{name.replace('_', '-')}",
            f"http://efrosgans.eecs.berkeley.edu/pix2pix/models/{name}.t7",
            _PIX2PIX_PAGE,
            "https://arxiv.org/abs/1611.07004",
        )
        for name in _PIX2PIX
    ),
    *(
        _plain(
            f"adain-{name.replace('_', '-')}",
            f"https://s3.amazonaws.com/xunhuang-public/adain/{name}.t7",
            _ADAIN_PAGE,
            f"AdaIN style transfer: {name}",
            "style transfer",
        )
        for name in ("decoder", "decoder-content-similar", "vgg_normalised")
    ),
    *(
        _plain(
            name,
            f"https://s3.amazonaws.com/deepmask/models/{name}/model.t7",
            _DEEPMASK_PAGE,
            architecture,
        )
        for name, architecture in (
            ("deepmask", "DeepMask: object proposals"),
            ("sharpmask", "SharpMask: DeepMask with a refinement path"),
        )
    ),
    *(
        _plain(
            f"multipathnet-{name.replace('_', '-')}",
            f"https://s3.amazonaws.com/multipathnet/models/{name}.t7",
            _MULTIPATH_PAGE,
            architecture,
        )
        for name, architecture in (
            ("imagenet_pretrained_alexnet", "AlexNet, from Caffe"),
            ("imagenet_pretrained_vgg", "VGG, from Caffe"),
            ("caffenet_fast_rcnn_iter_40000", "Fast R-CNN on CaffeNet, from Caffe"),
            ("vgg16_fast_rcnn_iter_40000", "Fast R-CNN on VGG-16, from Caffe"),
            ("resnet18_integral_coco", "detector on ResNet-18, integral loss, COCO"),
        )
    ),
)
