"""The networks of the paper by name, and their families at any depth.

Every builder takes the keywords of its class (``num_classes``, ``shared``, ``shortcut_type``,
``in_channels``...) and ``weights``, an entry of ``t7convert.models.weights`` to load, or ``None``
for fresh weights. ``shared=False`` builds the original: ``sharesnet50(shared=False)`` is ResNet-50.
"""

from __future__ import annotations

from typing import Any, TypeVar

from t7convert.residual.blocks import BasicBlock, Bottleneck
from t7convert.residual.network import StagedNetwork
from t7convert.residual.preact import PreActShaResNet
from t7convert.residual.preact_blocks import PreActBottleneck, WideBasic
from t7convert.residual.resnet import ShaResNet

Network = TypeVar("Network", bound=StagedNetwork)


def sharesnet18(*, weights: Any = None, **options: Any) -> ShaResNet:
    """ShaResNet-18 for ImageNet; ResNet-18 with ``shared=False``."""
    return _with(weights, ShaResNet(BasicBlock, (2, 2, 2, 2), **options))


def sharesnet34(*, weights: Any = None, **options: Any) -> ShaResNet:
    """ShaResNet-34 for ImageNet; ResNet-34 with ``shared=False``."""
    return _with(weights, ShaResNet(BasicBlock, (3, 4, 6, 3), **options))


def sharesnet50(*, weights: Any = None, **options: Any) -> ShaResNet:
    """ShaResNet-50 for ImageNet; ResNet-50 with ``shared=False``."""
    return _with(weights, ShaResNet(Bottleneck, (3, 4, 6, 3), **options))


def sharesnet101(*, weights: Any = None, **options: Any) -> ShaResNet:
    """ShaResNet-101 for ImageNet; ResNet-101 with ``shared=False``."""
    return _with(weights, ShaResNet(Bottleneck, (3, 4, 23, 3), **options))


def sharesnet152(*, weights: Any = None, **options: Any) -> ShaResNet:
    """ShaResNet-152 for ImageNet; ResNet-152 with ``shared=False``."""
    return _with(weights, ShaResNet(Bottleneck, (3, 8, 36, 3), **options))


def sharesnet_cifar(depth: int = 20, *, weights: Any = None, **options: Any) -> ShaResNet:
    """The CIFAR form of the ImageNet definition: basic blocks, ``depth`` = 6n + 2, 10 classes.

    Raises:
        ValueError: a depth that is not of that form.
    """
    count = _blocks(depth, per_block=6, rest=2)
    settings = {"stem": "cifar", "widths": (16, 32, 64), "pool": 8, "num_classes": 10}
    return _with(weights, ShaResNet(BasicBlock, (count,) * 3, **{**settings, **options}))


def sharesnet_preact(depth: int = 164, *, weights: Any = None, **options: Any) -> PreActShaResNet:
    """The pre-activation bottleneck network for CIFAR, ``depth`` = 9n + 2, 10 classes.

    Raises:
        ValueError: a depth that is not of that form.
    """
    count = _blocks(depth, per_block=9, rest=2)
    settings = {"widths": (64, 128, 256)}
    network = PreActShaResNet(PreActBottleneck, (count,) * 3, **{**settings, **options})
    return _with(weights, network)


def wide_sharesnet(
    depth: int = 40, widen_factor: int = 4, *, weights: Any = None, **options: Any
) -> PreActShaResNet:
    """The wide network for CIFAR, ``depth`` = 6n + 4, widths 16, 32, 64 times ``widen_factor``.

    Raises:
        ValueError: a depth that is not of that form.
    """
    count = _blocks(depth, per_block=6, rest=4)
    settings = {"widths": tuple(width * widen_factor for width in (16, 32, 64))}
    network = PreActShaResNet(WideBasic, (count,) * 3, **{**settings, **options})
    return _with(weights, network)


def sharesnet164(*, weights: Any = None, **options: Any) -> PreActShaResNet:
    """ShaResNet-164 for CIFAR (pre-activation bottlenecks); ResNet-164 with ``shared=False``."""
    return sharesnet_preact(164, weights=weights, **options)


def wide_sharesnet40_4(*, weights: Any = None, **options: Any) -> PreActShaResNet:
    """Wide ShaResNet-40-4 for CIFAR; WRN-40-4 with ``shared=False``."""
    return wide_sharesnet(40, 4, weights=weights, **options)


def wide_sharesnet28_10(*, weights: Any = None, **options: Any) -> PreActShaResNet:
    """Wide ShaResNet-28-10 for CIFAR; WRN-28-10 with ``shared=False``."""
    return wide_sharesnet(28, 10, weights=weights, **options)


def _blocks(depth: int, *, per_block: int, rest: int) -> int:
    count, remainder = divmod(depth - rest, per_block)
    if remainder or count < 1:
        raise ValueError(f"depth is {depth}, expected {per_block}n + {rest} with n of 1 or more")
    return count


def _with(weights: Any, network: Network) -> Network:
    if weights is not None:
        from t7convert.models.weights import load  # noqa: PLC0415  # needs more than torch

        load(weights, network)
    return network
