"""PyTorch networks as people write them today, small: what the way back must take."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.export.modern_classifiers import (
    AlexNet,
    CifarResNet,
    DenseNet,
    Inception,
    MobileNet,
    PreActivation,
    ResNeXt,
    SqueezeNet,
)


class LeNet(nn.Module):
    """The tutorial's: everything but the parameters in functions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.conv2_drop = nn.Dropout2d(0.25)
        self.fc1 = nn.Linear(16 * 5 * 5, 20)
        self.fc2 = nn.Linear(20, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = x.view(-1, 16 * 5 * 5)
        x = F.relu(self.fc1(x))
        x = F.dropout(x, p=0.3, training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


class Shared(nn.Module):
    """One layer called twice, and two layers on one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.block = PreActivation()
        self.a = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.b = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.b.weight = self.a.weight
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block(self.block(self.stem(x)))
        x = self.norm(self.a(x))
        return torch.tanh(self.norm(self.b(x)))


class DoubleConv(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding="same"),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.double_conv(x)
        return out


class UNet(nn.Module):
    """Skips through cat, up by a transposed convolution and by two kinds of Upsample."""

    def __init__(self) -> None:
        super().__init__()
        self.inc = DoubleConv(3, 4)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(4, 6))
        self.down2 = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.LeakyReLU(0.2))
        self.up1 = nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1)
        self.conv1 = DoubleConv(12, 6)
        self.up2 = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.conv2 = DoubleConv(10, 4)
        self.outc = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x = self.conv1(torch.cat([x2, self.up1(x3)], dim=1))
        x = self.conv2(torch.cat([x1, self.up2(x)], dim=1))
        logits: Tensor = self.outc(x)
        return torch.sigmoid(F.interpolate(logits, scale_factor=2))


class Generator(nn.Module):
    """DCGAN's."""

    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(10, 8, 4, 1, 0, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(True),
            nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, input: Tensor) -> Tensor:
        image: Tensor = self.main(input)
        return image


class Decoder(nn.Module):
    """From a vector to an image, with a slice and a gate on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 2 * 4 * 3 * 5)
        self.conv = nn.Conv2d(4, 2, (3, 1))
        self.scale = nn.Parameter(torch.tensor([1.5, -0.5]).view(1, 2, 1, 1))

    def forward(self, z: Tensor) -> Tensor:
        x = self.fc(z).view(-1, 8, 3, 5)
        kept, gate = x.chunk(2, dim=1)
        x = self.conv(kept * torch.sigmoid(gate)) * self.scale
        return 1 - x[:, :, :, 1:].permute(0, 2, 3, 1) / 4


class CharCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 6, padding_idx=0)
        self.conv1 = nn.Conv1d(6, 8, 7, padding=3)
        self.norm = nn.BatchNorm1d(8)
        self.conv2 = nn.Conv1d(8, 8, 3, dilation=2, bias=False)
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).transpose(1, 2)
        x = F.max_pool1d(F.relu(self.norm(self.conv1(x))), 3)
        x = F.relu(self.conv2(x))
        scores: Tensor = self.fc(x.max(dim=2)[0])
        return scores


class MLP(nn.Module):
    """Functions only, several activations, a skip and a tied decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(12, 8)
        self.fc2 = nn.Linear(8, 8)
        self.bias = nn.Parameter(torch.zeros(12))

    def forward(self, x: Tensor) -> Tensor:
        h = F.elu(self.fc1(x))
        h = h + F.silu(self.fc2(h)) * 0.5
        h = F.hardtanh(F.selu(h), -2, 2)
        return F.linear(h, self.fc1.weight.t(), self.bias)


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 6), nn.ReLU())
        self.policy = nn.Linear(6, 3)
        self.value = nn.Linear(6, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(x)
        return F.softmax(self.policy(x), dim=-1), self.value(x)


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(5, 4), nn.Linear(3, 4)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat((self.left(a), self.right(b)), 1) - 2


#: By name: the class, the shape of an input, whether its crossing branches need nngraph.
NETWORKS: dict[str, tuple[type[nn.Module], tuple[int, ...], bool]] = {
    "alexnet": (AlexNet, (2, 3, 80, 90), False),
    "lenet": (LeNet, (2, 1, 32, 32), False),
    "cifar": (CifarResNet, (2, 3, 16, 20), False),
    "shared": (Shared, (2, 3, 8, 9), False),
    "squeezenet": (SqueezeNet, (2, 3, 37, 45), False),
    "mobilenet": (MobileNet, (2, 3, 18, 13), False),
    "resnext": (ResNeXt, (2, 3, 9, 8), False),
    "densenet": (DenseNet, (2, 3, 16, 12), True),
    "inception": (Inception, (2, 3, 20, 31), False),
    "unet": (UNet, (2, 3, 16, 24), False),
    "generator": (Generator, (2, 10, 1, 1), False),
    "decoder": (Decoder, (3, 6), False),
    "charcnn": (CharCNN, (2, 40), False),
    "mlp": (MLP, (3, 12), False),
    "twoheads": (TwoHeads, (3, 5), True),
}
