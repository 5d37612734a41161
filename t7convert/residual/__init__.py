"""The ShaResNets and their originals as plain PyTorch networks; torch is all they need.

`ShaResNet` and `PreActShaResNet` build any depth and width of blocks. :mod:`t7convert.models` has
the published ones by name, with their weights.
"""

from t7convert.residual.blocks import BasicBlock, Bottleneck
from t7convert.residual.network import StagedNetwork
from t7convert.residual.preact import PreActShaResNet
from t7convert.residual.preact_blocks import PreActBottleneck, WideBasic
from t7convert.residual.resnet import ShaResNet
from t7convert.residual.sharing import Stage

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "PreActBottleneck",
    "PreActShaResNet",
    "ShaResNet",
    "Stage",
    "StagedNetwork",
    "WideBasic",
]
