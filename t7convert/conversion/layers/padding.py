"""Converters of the paddings of images and volumes."""

from __future__ import annotations

from torch import nn

from t7convert.conversion.layer import Layer
from t7convert.conversion.registry import converts


def _sides(m: Layer) -> tuple[int, int, int, int]:
    """Return left, right, top, bottom: torch.nn's order too."""
    return m.integer("pad_l"), m.integer("pad_r"), m.integer("pad_t"), m.integer("pad_b")


@converts("nn.SpatialZeroPadding")
def spatial_zero_padding(m: Layer) -> nn.ZeroPad2d:
    return nn.ZeroPad2d(_sides(m))


@converts("nn.SpatialReflectionPadding")
def spatial_reflection_padding(m: Layer) -> nn.ReflectionPad2d:
    return nn.ReflectionPad2d(_sides(m))


@converts("nn.SpatialReplicationPadding")
def spatial_replication_padding(m: Layer) -> nn.ReplicationPad2d:
    return nn.ReplicationPad2d(_sides(m))


@converts("nn.VolumetricReplicationPadding")
def volumetric_replication_padding(m: Layer) -> nn.ReplicationPad3d:
    return nn.ReplicationPad3d(
        (
            m.integer("pleft"),
            m.integer("pright"),
            m.integer("ptop"),
            m.integer("pbottom"),
            m.integer("pfront"),
            m.integer("pback"),
        )
    )
