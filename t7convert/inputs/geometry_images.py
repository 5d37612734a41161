"""What the modules of nnx, imagine-nn, spatial transformers and neural style take."""

from __future__ import annotations

from dataclasses import replace

from t7convert.inputs.geometry import Leaf, Spec, rule, spec_of
from t7convert.lua.fields import FieldReader


@rule("nn.SpatialLinear", "nn.SpatialNormalization", "nn.SpatialFovea")
def _one_image(m: FieldReader) -> Spec:
    names = ("fanin", "nfeatures", "nInputPlane")
    planes = next(m.integer(name) for name in names if m.get(name) is not None)
    return Leaf((planes, "H", "W"), batched=False)


@rule("nn.SpatialColorTransform")
def _coloured_image(m: FieldReader) -> Spec:
    return Leaf((m.shape("matrix")[1], "H", "W"), batched=False)


@rule("nn.SpatialClassifier")
def _image_of_rows(m: FieldReader) -> Spec:
    spec = spec_of(m.module_at("classifier"))
    dims = spec.dims if isinstance(spec, Leaf) else (3,)
    return Leaf((*dims, "H", "W"), batched=False)


@rule("nn.SpatialPyramid")
def _scaled_image(m: FieldReader) -> Spec:
    spec = spec_of(m.module_at("unfocused_pipeline"))
    listed = spec if isinstance(spec, list) else [spec]
    specs = [replace(leaf, batched=False) for leaf in listed if isinstance(leaf, Leaf)]
    return specs if isinstance(spec, list) else next(iter(specs), None)


@rule("nn.PixelSort")
def _divisible_image(m: FieldReader) -> Spec:
    factor = m.integer("downscaleFactor")
    return Leaf((2, 2 * factor, 3 * factor))


@rule("nn.SpatialMatching")
def _two_images(m: FieldReader) -> Spec:
    more = (0, 0) if m.flag("full_output") else (m.integer("maxh") - 1, m.integer("maxw") - 1)
    return [Leaf((2, 5, 6), batched=False), Leaf((2, 5 + more[0], 6 + more[1]), batched=False)]


@rule("nn.SoftMaxTree")
def _vector_and_node(m: FieldReader) -> Spec:
    nodes = set(m.integers("childIds"))
    high = next(n for n in range(1, len(nodes) + 2) if n + 1 not in nodes)
    return [Leaf((m.integer("inputSize"),)), Leaf((), high=high)]


@rule("nn.PushTable")
def _entries(m: FieldReader) -> Spec:
    return [Leaf((5,))] * (m.integer("_index") + 1)


@rule("nn.Balance", "nnx.QDRiemaNNLinear", "inn.ConstAffine")
def _vector(m: FieldReader) -> Spec:
    if m.has("weight"):
        return Leaf((m.shape("weight")[1],))
    return Leaf(m.shape("a") if m.has("a") else (5,))


@rule("inn.MeanSubtraction")
def _like_the_mean(m: FieldReader) -> Spec:
    shape = m.shape("mean")
    return Leaf(shape[-3:]) if len(shape) > 2 else None


@rule("nn.AffineTransformMatrixGenerator")
def _transformation(m: FieldReader) -> Spec:
    size = m.flag("useRotation") + m.flag("useScale") + 2 * m.flag("useTranslation")
    return Leaf((size or 6,))


@rule("nn.AffineGridGeneratorBHWD")
def _matrix(m: FieldReader) -> Spec:
    return Leaf((2, 3))


@rule("nn.BilinearSamplerBHWD")
def _images_and_grids(m: FieldReader) -> Spec:
    return [Leaf(("H", "W", 3)), Leaf((4, 5, 2))]


@rule("nn.InstanceNormalization")
def _features(m: FieldReader) -> Spec:
    return Leaf((m.integer("nOutput"), "H", "W"))


@rule("nn.TVLossModule", "nn.TVLossCriterion")
def _picture(m: FieldReader) -> Spec:
    return Leaf((3, "H", "W"))


@rule("nn.AdaptiveInstanceNormalization")
def _content_and_style(m: FieldReader) -> Spec:
    return [Leaf((m.integer("nOutput"), "H", "W"))] * 2


@rule("nn.ContentLoss", "nn.ContentLossModule")
def _like_the_target(m: FieldReader) -> Spec:
    if not m.has("target") or m.get("mode", "loss") != "loss":
        return None
    return Leaf(m.shape("target"), batched=False)


@rule("nn.StyleLoss", "nn.StyleINLossModule")
def _as_many_as_the_target(m: FieldReader) -> Spec:
    name = "target" if m.typename == "nn.StyleLoss" else "target_mean"
    if not m.has(name) or m.get("mode", "loss") != "loss":
        return None
    return Leaf((*m.shape(name)[:2], "H", "W"), batched=False)
