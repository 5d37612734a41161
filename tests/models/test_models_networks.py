"""Shapes, names, order, initial weights and the arithmetic of the definitions."""

import math
import subprocess
import sys
import types

import pytest
import torch
from torch import nn

from t7convert import models
from t7convert.models import (
    BasicBlock,
    Bottleneck,
    PreActBottleneck,
    PreActShaResNet,
    ShaResNet,
    WideBasic,
)


def torchvision_keys(bottleneck, layers):
    """Keys and shapes of torchvision's resnet state_dict, in its order."""

    def norm(name, channels):
        for part in ("weight", "bias", "running_mean", "running_var"):
            yield f"{name}.{part}", (channels,)
        yield f"{name}.num_batches_tracked", ()

    yield "conv1.weight", (64, 3, 7, 7)
    yield from norm("bn1", 64)
    inputs = 64
    for stage, count in enumerate(layers):
        width = 64 * 2**stage
        outputs = 4 * width if bottleneck else width
        shapes = [(width, inputs, 3, 3), (width, width, 3, 3)]
        if bottleneck:
            shapes = [(width, inputs, 1, 1), (width, width, 3, 3), (outputs, width, 1, 1)]
        for block in range(count):
            prefix = f"layer{stage + 1}.{block}"
            for number, shape in enumerate(shapes, start=1):
                yield (
                    f"{prefix}.conv{number}.weight",
                    ((shape[0], inputs, *shape[2:]) if number == 1 else shape),
                )
                yield from norm(f"{prefix}.bn{number}", shape[0])
            if inputs != outputs:
                yield f"{prefix}.downsample.0.weight", (outputs, inputs, 1, 1)
                yield from norm(f"{prefix}.downsample.1", outputs)
            inputs = outputs
    yield "fc.weight", (1000, inputs)
    yield "fc.bias", (1000,)


@pytest.mark.parametrize(
    ("build", "bottleneck", "layers"),
    [
        (models.sharesnet18, False, (2, 2, 2, 2)),
        (models.sharesnet34, False, (3, 4, 6, 3)),
        (models.sharesnet50, True, (3, 4, 6, 3)),
        (models.sharesnet101, True, (3, 4, 23, 3)),
        (models.sharesnet152, True, (3, 8, 36, 3)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
@pytest.mark.parametrize("shared", [True, False])
def test_state_dict_is_torchvisions(build, bottleneck, layers, shared):
    with torch.device("meta"):
        state = build(shared=shared).state_dict()

    expected = list(torchvision_keys(bottleneck, layers))
    assert expected == [(key, tuple(value.shape)) for key, value in state.items()]


def test_torchvisions_stride_stands_on_the_spatial_convolution():
    with torch.device("meta"):
        block = models.sharesnet50().layer2[0]
    assert block.conv1.stride == (1, 1)
    assert block.conv2.stride == (2, 2)
    assert block.downsample[0].stride == (2, 2)


def test_no_convolution_has_a_bias():
    with torch.device("meta"):
        for name in models.list_models():
            for module in models.get_model(name).modules():
                assert not (isinstance(module, nn.Conv2d) and module.bias is not None), name


def test_parameters_stand_in_luas_order():
    """Convolutions of a block before its shortcut; normalisation first in pre-activation blocks."""
    with torch.device("meta"):
        wide = PreActShaResNet(WideBasic, (1,), widths=(8,), stem_width=4)
        basic = ShaResNet(BasicBlock, (1,), widths=(8,), stem_width=4)
    assert [key for key, _ in wide.named_parameters()] == [
        "conv1.weight",
        "layer1.0.bn1.weight",
        "layer1.0.bn1.bias",
        "layer1.0.conv1.weight",
        "layer1.0.bn2.weight",
        "layer1.0.bn2.bias",
        "layer1.0.conv2.weight",
        "layer1.0.downsample.0.weight",
        "bn1.weight",
        "bn1.bias",
        "fc.weight",
        "fc.bias",
    ]
    assert [key for key, _ in basic.named_parameters() if key.startswith("layer")] == [
        "layer1.0.conv1.weight",
        "layer1.0.bn1.weight",
        "layer1.0.bn1.bias",
        "layer1.0.conv2.weight",
        "layer1.0.bn2.weight",
        "layer1.0.bn2.bias",
        "layer1.0.downsample.0.weight",
        "layer1.0.downsample.1.weight",
        "layer1.0.downsample.1.bias",
    ]


def test_stem_and_output_shapes():
    torch.manual_seed(0)
    big = ShaResNet(BasicBlock, (1, 1, 1, 1), widths=(4, 8, 16, 32), pool=2, num_classes=6).eval()
    small = models.sharesnet_cifar(8, widths=(4, 8, 16), num_classes=3).eval()
    gray = PreActShaResNet(PreActBottleneck, (1, 2), widths=(8, 16), pool=16, in_channels=1).eval()
    assert big.features(torch.randn(2, 3, 64, 64)).shape == (2, 32, 2, 2)
    assert big(torch.randn(2, 3, 64, 64)).shape == (2, 6)
    assert small(torch.randn(2, 3, 32, 32)).shape == (2, 3)
    assert gray(torch.randn(2, 1, 32, 32)).shape == (2, 10)


def test_larger_images_give_more_rows_as_luas_view_does():
    network = models.sharesnet_cifar(8, widths=(4, 8, 16), num_classes=3).eval()
    x = torch.randn(2, 3, 36, 36)
    pooled = network.avgpool(network.features(x))
    assert pooled.shape == (2, 16, 2, 2)
    assert torch.equal(network.fc(pooled.reshape(8, 16)), network(x))


def test_one_image_without_batch():
    network = models.sharesnet_cifar(8, widths=(4, 8, 16), num_classes=3)
    x = torch.randn(3, 32, 32)
    with pytest.raises(ValueError, match="training takes a batch"):
        network(x)
    network.eval()
    assert network(x).shape == (1, 3)  # batch normalisation adds the batch dimension, as in Lua
    assert torch.equal(network(x[None]), network(x))
    padded = models.sharesnet_cifar(8, widths=(4, 8, 16), shortcut_type="A").eval()
    with pytest.raises(ValueError, match="type A takes a batch"):
        padded(x)


def test_dropout_only_where_asked_and_trainable():
    plain = models.wide_sharesnet(10, 1)
    network = models.wide_sharesnet(10, 1, dropout=0.3)
    assert not any(isinstance(module, nn.Dropout) for module in plain.modules())
    rates = [module.p for module in network.modules() if isinstance(module, nn.Dropout)]
    assert rates == [0.3] * 3
    network(torch.randn(2, 3, 32, 32)).sum().backward()
    assert all(value.grad is not None for value in network.parameters())


def test_initial_weights_are_luas():
    torch.manual_seed(1)
    post = models.sharesnet18(num_classes=10)
    pre = models.wide_sharesnet(16, 4)
    conv = post.layer4[0].conv1.weight  # 256 -> 512: nOutputPlane
    assert conv.std().item() == pytest.approx(math.sqrt(2 / (9 * 512)), rel=0.01)
    conv = pre.layer3[0].conv1.weight  # 128 -> 256: nInputPlane
    assert conv.std().item() == pytest.approx(math.sqrt(2 / (9 * 128)), rel=0.01)
    assert (post.bn1.weight == 1).all()
    assert 0 <= pre.bn1.weight.min() < 0.1
    assert 0.9 < pre.bn1.weight.max() < 1
    for network in (post, pre):
        assert (network.fc.bias == 0).all()
        assert (network.bn1.bias == 0).all()
        bound = 1 / math.sqrt(network.fc.in_features)
        assert 0.95 * bound < network.fc.weight.abs().max() <= bound


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: models.sharesnet_cifar(21), "expected 6n \\+ 2"),
        (lambda: models.sharesnet_preact(2), "expected 9n \\+ 2"),
        (lambda: models.wide_sharesnet(11), "expected 6n \\+ 4"),
        (lambda: ShaResNet(BasicBlock, (2, 2)), "2 stages have 4 widths"),
        (lambda: ShaResNet(BasicBlock, (2, 0), widths=(4, 8)), "1 or more in each"),
        (lambda: ShaResNet(BasicBlock, (1, 1), widths=(4, 4)), "stride is 1, not 2"),
        (lambda: ShaResNet(BasicBlock, (1,), widths=(4,), stem="vgg"), "stem is 'vgg'"),
        (lambda: models.sharesnet50(shortcut_type="A"), "doubles the channels"),
        (lambda: models.sharesnet_cifar(shortcut_type="D"), "expected 'A', 'B' or 'C'"),
        (lambda: models.sharesnet164(dropout=0.3), "only wide blocks"),
        (lambda: models.sharesnet_preact(20, widths=(6, 12, 24)), "do not divide by 4"),
        (lambda: models.wide_sharesnet(10, widths=(16, 16, 32)), "stride is 1, not 2"),
        (lambda: models.get_model("sharesnet51"), "did you mean sharesnet"),
    ],
)
def test_what_is_no_such_network_is_refused(make, match):
    with torch.device("meta"), pytest.raises(ValueError, match=match):
        make()


def test_registry():
    names = models.list_models()
    assert {"sharesnet50", "sharesnet164", "wide_sharesnet28_10", "sharesnet_cifar"} <= set(names)
    assert names == [name for name in names if getattr(models, name).__name__ == name]
    with torch.device("meta"):
        network = models.get_model("sharesnet18", num_classes=7, shared=False)
    assert isinstance(network, ShaResNet)
    assert network.fc.out_features == 7
    assert network.ties() == ()


def test_no_bottleneck_option():
    with torch.device("meta"):
        network = models.sharesnet_preact(20, expansion=1, shared=False)
    assert network.layer1[0].conv2.weight.shape == (64, 64, 3, 3)


def test_norm_layer_is_used_everywhere():
    with torch.device("meta"):
        network = models.sharesnet18(norm_layer=lambda n: nn.GroupNorm(1, n))
    kinds = {type(module) for module in network.modules()}
    assert nn.GroupNorm in kinds
    assert nn.BatchNorm2d not in kinds


@pytest.mark.parametrize(
    "build",
    [
        lambda: models.sharesnet_cifar(8, widths=(4, 8, 16), shortcut_type="A"),
        lambda: ShaResNet(Bottleneck, (1, 2), widths=(4, 8), pool=2),
        lambda: models.sharesnet_preact(11, widths=(8, 16, 32), stem_width=4),
        lambda: models.wide_sharesnet(10, 1, dropout=0.2),
    ],
    ids=["cifar-A", "bottleneck", "preact", "wide"],
)
def test_compiles_without_graph_breaks_and_exports(build):
    network = build().eval()
    x = torch.randn(2, 3, 32, 32)
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    assert torch.equal(network(x), compiled(x))
    program = torch.export.export(network, (x,))
    torch.testing.assert_close(program.module()(x), network(x), rtol=1e-5, atol=1e-5)


def test_weights_keyword_hands_the_entry_to_the_loader(monkeypatch):
    calls = []
    loader = types.ModuleType("t7convert.models.weights")
    monkeypatch.setattr(loader, "load", lambda *given: calls.append(given), raising=False)
    monkeypatch.setitem(sys.modules, "t7convert.models.weights", loader)

    network = models.get_model("sharesnet_cifar", depth=8, weights="entry")

    assert calls == [("entry", network)]


def test_models_need_neither_reader_nor_converter():
    code = (
        "import sys, t7convert.models; "
        "print([m for m in sys.modules if m.startswith('t7convert.')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "t7convert.residual.resnet" in found.stdout
    for part in ("format", "lua", "conversion", "parity", "fetch", "commands"):
        assert f"t7convert.{part}" not in found.stdout
