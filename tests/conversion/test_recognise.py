"""Networks of the paper's families are recognised from their graph."""

import numpy as np
import pytest
import torch
from torch import nn

from t7convert import models
from t7convert.conversion import convert_tree
from t7convert.conversion.recognise import recognise
from t7convert.errors import ArchitectureError
from t7convert.format.reader import load
from t7convert.lua.arch import decode, encode
from t7convert.lua.find import model
from t7convert.lua.tree import build
from t7convert.models import Bottleneck, PreActShaResNet, ShaResNet
from tests.conversion.lua_networks import LuaWriter, modules, randomise, recognised, small, spatial

GOLDEN = [
    "sharesnet-basic",
    "sharesnet-bottleneck",
    "sharesnet-notcleared",
    "resnet-basic",
    "sharesnet-cifar-basic",
    "sharesnet-preact",
    "wide-sharesnet",
]


NETWORKS = {
    "imagenet basic": small,
    "imagenet bottleneck": lambda **o: small(Bottleneck, (3, 1, 2), widths=(2, 4, 6), **o),
    "one stage": lambda **o: small(layers=(3,), widths=(6,), stem_width=4, num_classes=1, **o),
    "five stages": lambda **o: small(layers=(1, 2, 1, 1, 2), widths=(2, 3, 4, 5, 6), pool=1, **o),
    "cifar, type A": lambda **o: models.sharesnet_cifar(
        14, widths=(3, 6, 12), shortcut_type="A", **o
    ),
    "cifar, type B": lambda **o: models.sharesnet_cifar(14, widths=(3, 6, 12), **o),
    "cifar, type C": lambda **o: models.sharesnet_cifar(
        20, widths=(3, 6, 12), shortcut_type="C", **o
    ),
    "bottleneck, type C": lambda **o: small(Bottleneck, shortcut_type="C", **o),
    "gray": lambda **o: models.sharesnet_cifar(14, widths=(2, 4, 8), in_channels=1, **o),
    "preact": lambda **o: models.sharesnet_preact(29, widths=(8, 12, 16), stem_width=3, **o),
    "preact, first stage keeps its width": lambda **o: models.sharesnet_preact(
        29, widths=(8, 16, 32), stem_width=8, **o
    ),
    "preact, other expansion": lambda **o: models.sharesnet_preact(
        29, widths=(6, 12, 24), expansion=3, **o
    ),
    "wide": lambda **o: models.wide_sharesnet(22, 1, widths=(4, 6, 9), stem_width=3, **o),
    "wide, dropout": lambda **o: models.wide_sharesnet(22, 1, widths=(4, 6, 9), dropout=0.3, **o),
    "other eps": lambda **o: small(
        norm_layer=lambda n: nn.BatchNorm2d(n, eps=1e-3, momentum=0.05), **o
    ),
}


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "original"])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    "style",
    [{"package": "nn"}, {"package": "cudnn", "flat": True}, {"inverse_std": True}],
    ids=["nn", "cudnn, flat", "old"],
)
def test_every_family_depth_and_style(name, shared, style):
    torch.manual_seed(len(name))
    original = randomise(NETWORKS[name](shared=shared))

    found = recognised(LuaWriter(**style).network(original))

    assert type(found) is type(original)
    assert found.ties() == original.ties()
    assert list(found.state_dict()) == list(original.state_dict())
    assert [key for key, _ in found.named_parameters()] == [
        key for key, _ in original.named_parameters()
    ]
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if style.get("inverse_std") else {"rtol": 0, "atol": 0}
    for key, value in original.state_dict().items():
        torch.testing.assert_close(found.state_dict()[key], value, **tolerance)
    assert repr(found) == repr(original)
    x = torch.randn(2, original.conv1.in_channels, 64, 64)
    close = {"rtol": 1e-3, "atol": 1e-3} if style.get("inverse_std") else {"rtol": 0, "atol": 0}
    torch.testing.assert_close(found(x), original(x), **close)


def test_a_lone_shared_convolution_cannot_be_told_from_its_own():
    """Bottleneck stages of one block, or two with a stride, tie nothing: the original it is."""
    network = small(Bottleneck, (1, 2), shared=True)
    assert network.ties() == ()
    found = recognised(LuaWriter().network(network))
    assert not any(block.shares for stage in found.stages for block in stage)


def test_nesting_means_nothing():
    network = randomise(small())
    root = LuaWriter().network(network)
    layers = list(modules(root).values())
    writer = LuaWriter()
    features, head = writer.sequential(*layers[:6]), writer.sequential(*layers[6:])
    nested = writer.sequential(features, writer.object("Identity"), head)
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(recognised(nested)(x), network(x))


@pytest.mark.parametrize("wrapper", ["DataParallelTable", "DataParallel", "GPU"])
def test_what_spreads_a_network_over_gpus_means_nothing(wrapper):
    network = randomise(small())
    writer = LuaWriter()
    root = writer.container(wrapper, [writer.network(network)], dimension=1)
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(recognised(root)(x), network(x))
    modules(root)[2] = writer.object("Identity")
    if wrapper == "GPU":
        with pytest.raises(ArchitectureError, match="the root holds 2 modules, expected 1"):
            recognise(build(root))
    else:  # the others are replicas
        assert torch.equal(recognised(root)(x), network(x))


def test_a_refused_network_binds_nothing_and_a_recognised_one_everything():
    network = small()
    found = recognise(build(LuaWriter().network(network)))
    bound = {(id(record.module), record.name) for record in found.binder.records}
    for module in found.network.modules():
        for name in (*module._parameters, *module._buffers):
            if name not in ("bias", "num_batches_tracked") or isinstance(module, nn.BatchNorm2d):
                assert ((id(module), name) in bound) == (name != "num_batches_tracked")


def flat(value):
    return torch.from_numpy(np.array(value.numpy()))


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_networks(shared, name):
    folder = shared / "golden" / "nets" / name
    path, obj = model(load(folder / "model.t7"))
    io = load(folder / "io.t7")
    network = recognised(obj, path)
    generic = convert_tree(build(obj, path)).network

    x = flat(io["input"])
    with torch.no_grad():
        torch.testing.assert_close(network(x), generic(x), rtol=0, atol=0)
    network.double()
    output = network(x.double())
    expected = flat(io["output64"])
    assert (output - expected).norm() <= 1e-10 * expected.norm()
    grads = torch.autograd.grad(output, list(network.parameters()), flat(io["gradOutput"]))
    found = torch.cat([grad.reshape(-1) for grad in grads])
    wanted = flat(io["gradParams64"])
    assert (found - wanted).norm() <= 1e-10 * wanted.norm()
    assert name.startswith("resnet") or network.ties()


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_networks_take_images_of_other_sizes(shared, name):
    path, obj = model(load(shared / "golden" / "nets" / name / "model.t7"))
    network = recognised(obj, path)
    generic = convert_tree(build(obj, path)).network
    x = torch.randn((2, 3, 96, 128), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        output = network(x)
        assert output.shape[0] > 2
        torch.testing.assert_close(output, generic(x), rtol=0, atol=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_sources_compute_what_the_lua_modules_compute(name):
    """The stages, blocks and shortcuts are found in the network by their place in the graph."""
    network = NETWORKS[name]()
    root = LuaWriter().network(network)
    found = recognise(build(root))
    names = {id(module): key for key, module in found.network.named_modules()}
    places = {lua.path: names[id(module)] for lua, module in found.sources}

    assert places[""] == ""
    first = 5 if isinstance(getattr(network, "maxpool", None), nn.MaxPool2d) else 4
    first = first if isinstance(network, ShaResNet) else 2
    for number, stage in enumerate(network.stages):
        path = f"modules[{first + number}]"
        assert places[path] == f"layer{number + 1}" or len(stage) == 1
        for position, block in enumerate(stage):
            inner = f"{path}.modules[{position + 1}]"
            assert places[inner] == f"layer{number + 1}.{position}"
            if block.downsample is not None:
                fork = 3 if isinstance(network, PreActShaResNet) else 1
                side = places[f"{inner}.modules[{fork}].modules[2]"]
                assert side.startswith(f"layer{number + 1}.{position}.downsample")
    bound = {key.rpartition(".")[0] for key in found.network.state_dict()}
    assert bound <= set(places.values())


def test_the_architecture_read_back_gives_the_same_network():
    root = LuaWriter(flat=True).network(small(Bottleneck, (3, 2)))
    tree = build(root, "model")
    before, after = recognise(tree), recognise(decode(encode(tree)))
    assert repr(before.network) == repr(after.network)
    assert before.network.ties() == after.network.ties()
    assert [(r.path, r.field) for r in before.binder.records] == [
        (r.path, r.field) for r in after.binder.records
    ]


def test_one_module_object_in_several_blocks_is_not_shared_like_clones():
    # Its calls overwrite each other's output: in Lua the gradients are those of the last one, and
    # where an in-place sum follows it, the outputs differ too.
    root = LuaWriter().network(randomise(small()))
    main = modules(modules(modules(modules(modules(root)[5])[2])[1])[1])
    main[4] = spatial(root, 1, 1)
    with pytest.raises(ArchitectureError, match="stands in several places"):
        recognised(root)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "unique", "every"),
    [("sharesnet164-cifar10", 929_114, 1_703_258), ("sharesnet50", 20_469_800, 25_557_032)],
)
def test_networks_of_the_paper_at_full_size(shared, name, unique, every):
    folder = shared / "golden" / "full" / name
    path, obj = model(load(folder / "model.t7.xz"))
    io = load(folder / "io.t7.xz")
    network = recognised(obj, path)
    generic = convert_tree(build(obj, path)).network
    assert unique == sum(value.numel() for value in network.parameters())
    parameters = network.named_parameters(remove_duplicate=False)
    assert every == sum(value.numel() for _, value in parameters)
    x = flat(io["input"])
    with torch.no_grad():
        torch.testing.assert_close(network(x), generic(x), rtol=0, atol=0)
        output = network.double()(x.double())
    expected = flat(io["output64"])
    assert (output - expected).norm() <= 1e-10 * expected.norm()
