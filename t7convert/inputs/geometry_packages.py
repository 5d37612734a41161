"""What the modules of dpnn, fbnn and w2nn take; gives ``spec_of`` with these rules added."""

from __future__ import annotations

from t7convert.inputs import geometry_graph, geometry_images, geometry_language
from t7convert.inputs.geometry import Leaf, Spec, rule, spec_of
from t7convert.lua.fields import FieldReader

__all__ = ["geometry_graph", "geometry_images", "geometry_language", "spec_of"]


@rule("nn.SpatialBinaryConvolution", "w2nn.RandomBinaryConvolution", "w2nn.EdgeFilter")
def _image(m: FieldReader) -> Spec:
    return Leaf((m.integer("nInputPlane"), "H", "W"))


@rule("nn.SpatialFeatNormalization")
def _features(m: FieldReader) -> Spec:
    return Leaf((m.shape("mean")[0], "H", "W"))


@rule("nn.DifferenceOfGaussian", "nn.SpatialUniformCrop", "nn.Upsample")
def _any_image(m: FieldReader) -> Spec:
    return Leaf((int(m.get("nInputPlane", 3)), "H", "W"))


@rule("nn.LinearNB", "nn.LinearNoBackprop", "fbnn.NormalizedLinearNoBias")
def _vector(m: FieldReader) -> Spec:
    return Leaf((m.shape("weight")[1],))


@rule("fbnn.L2Normalize", "fbnn.NestedDropout", "nn.CategoricalEntropy")
def _any_vector(m: FieldReader) -> Spec:
    return Leaf((5,))


@rule("nn.SparseThreshold")
def _pairs(m: FieldReader) -> Spec:
    return Leaf((5, 2))  # an index and a value per row


@rule("nn.UnfoldedTemporalConvolution")
def _sequence(m: FieldReader) -> Spec:
    return Leaf(("T", m.integer("inputFrameSize")))


@rule("nn.FasterLookup")
def _indices(m: FieldReader) -> Spec:
    return Leaf(("T",), high=m.shape("weight")[0])


@rule("nn.NCEModule")
def _vector_and_class(m: FieldReader) -> Spec:
    classes, size = m.shape("weight")
    return [Leaf((size,)), Leaf((), high=classes)]


@rule("fbnn.SparseLinear")
def _keys_and_values(m: FieldReader) -> Spec:
    return [Leaf((4,), high=m.shape("weight")[1]), Leaf((4,))]


@rule("fbnn.SegSparseLinear")
def _segments_keys_and_values(m: FieldReader) -> Spec:
    keys = Leaf((6,), high=m.shape("weight")[0], batched=False)
    return [Leaf((6,), high=3, batched=False), keys, Leaf((6,), batched=False)]


@rule("nn.SpatialGlimpse")
def _images_and_places(m: FieldReader) -> Spec:
    return [Leaf((3, "H", "W")), Leaf((2,))]


@rule("w2nn.ScaleTable")
def _planes_and_scales(m: FieldReader) -> Spec:
    return [Leaf((3, "H", "W")), Leaf((3, 1, 1))]


@rule("w2nn.ShakeShakeTable", "w2nn.AuxiliaryLossTable", "nn.ReverseTable")
def _pair(m: FieldReader) -> Spec:
    return [Leaf((5,)), Leaf((5,))]
