"""Networks of the paper's families are recognised from their graph, and only those."""

import numpy as np
import pytest
import torch
from torch import nn

from t7convert import models
from t7convert.conversion import convert_tree
from t7convert.conversion.recognise import recognise
from t7convert.errors import ArchitectureError
from t7convert.format.objects import ArrayPayload, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.format.reader import load
from t7convert.lua.arch import decode, encode
from t7convert.lua.find import model
from t7convert.lua.tree import build
from t7convert.models import BasicBlock, Bottleneck, PreActBottleneck, PreActShaResNet, ShaResNet
from t7convert.models.shortcuts import PadShortcut

GOLDEN = [
    "sharesnet-basic",
    "sharesnet-bottleneck",
    "sharesnet-notcleared",
    "resnet-basic",
    "sharesnet-cifar-basic",
    "sharesnet-preact",
    "wide-sharesnet",
]


class LuaWriter:
    """Builds the Lua objects of a network of ``models``, as the published definitions nest them."""

    def __init__(self, *, package="nn", flat=False, inverse_std=False):
        self.package, self.inverse_std = package, inverse_std
        self.memory = {}
        self.pool = LuaStorage("torch.FloatStorage", 0, ArrayPayload(np.empty(0, "f4")))
        self.flat, self.values, self.used = flat, [], 0

    def finish(self):
        if self.flat:
            self.pool.size = self.used
            self.pool._payload = ArrayPayload(np.concatenate(self.values))

    def tensor(self, value):
        """One memory for one Parameter; in one storage for all if ``flat``."""
        if id(value) not in self.memory:
            array = np.ascontiguousarray(value.detach().numpy(), "f4").reshape(-1)
            offset, storage = self.used, self.pool
            if self.flat:
                self.values.append(array)
                self.used += array.size
            else:
                payload = ArrayPayload(array)
                offset, storage = 0, LuaStorage("torch.FloatStorage", array.size, payload)
            self.memory[id(value)] = (value, offset, storage)
        _, offset, storage = self.memory[id(value)]
        return LuaTensor(
            "torch.FloatTensor", tuple(value.shape), value.contiguous().stride(), offset, storage
        )

    def object(self, name, package="nn", version=1, **fields):
        table = LuaTable({"_type": "torch.FloatTensor", "train": True, **fields})
        return LuaObject(f"{package}.{name}", table, version=version)

    def container(self, name, children, **fields):
        modules = LuaTable(dict(enumerate(children, start=1)))
        return self.object(name, modules=modules, **fields)

    def sequential(self, *children):
        return self.container("Sequential", children)

    def conv(self, conv):
        return self.object(
            "SpatialConvolution",
            self.package,
            weight=self.tensor(conv.weight),
            nInputPlane=conv.in_channels,
            nOutputPlane=conv.out_channels,
            **self.window(conv),
        )

    def window(self, module):
        both = {}
        for short, name in (("k", "kernel_size"), ("d", "stride"), ("pad", "padding")):
            value = getattr(module, name)
            height, width = value if isinstance(value, tuple) else (value, value)
            both |= {f"{short}H": height, f"{short}W": width}
        return both

    def norm(self, norm):
        fields = {name: self.tensor(getattr(norm, name)) for name in ("weight", "bias")}
        fields["running_mean"] = self.tensor(norm.running_mean)
        if self.inverse_std:
            std = (norm.running_var.double() + norm.eps).rsqrt().float()
            self.memory[id(norm), "std"] = std  # kept alive: memory goes by id
            fields["running_std"] = self.tensor(std)
        else:
            fields["running_var"] = self.tensor(norm.running_var)
        version = 1 if self.inverse_std else 2
        settings = {"eps": norm.eps, "momentum": norm.momentum, "affine": True}
        return self.object("SpatialBatchNormalization", version=version, **settings, **fields)

    def relu(self):
        return self.object("ReLU", self.package, inplace=True, threshold=0, val=0)

    def average(self, pool, package=None):
        return self.object("SpatialAveragePooling", package or self.package, **self.window(pool))

    def shortcut(self, downsample, bare):
        if downsample is None:
            return self.object("Identity")
        if isinstance(downsample, PadShortcut):
            branches = (self.object("Identity"), self.object("MulConstant", constant_scalar=0))
            padding = self.container("Concat", branches, size=LuaTable(), dimension=2)
            return self.sequential(self.average(downsample.pool, "nn"), padding)
        if len(downsample) == 1:
            conv = self.conv(downsample[0])
            return conv if bare else self.sequential(conv)
        return self.sequential(self.conv(downsample[0]), self.norm(downsample[1]))

    def fork(self, main, side):
        fork = self.container("ConcatTable", (self.sequential(*main), side))
        return [fork, self.object("CAddTable", inplace=True)]

    def block(self, block):
        count = 3 if hasattr(block, "conv3") else 2
        pairs = [
            (self.conv(getattr(block, f"conv{i}")), self.norm(getattr(block, f"bn{i}")))
            for i in range(1, count + 1)
        ]
        if isinstance(block, (BasicBlock, Bottleneck)):
            main = [layer for conv, norm in pairs for layer in (conv, norm, self.relu())][:-1]
            side = self.shortcut(block.downsample, bare=False)
            return self.sequential(*self.fork(main, side), self.relu())
        main = [layer for conv, norm in pairs for layer in (norm, self.relu(), conv)]
        if isinstance(getattr(block, "dropout", None), nn.Dropout):
            main.insert(-1, self.object("Dropout", p=block.dropout.p, v2=True, inplace=True))
        side = self.shortcut(block.downsample, bare=not isinstance(block, PreActBottleneck))
        early = [] if block.downsample is None else [main.pop(0), main.pop(0)]
        return self.sequential(*early, *self.fork(main, side))

    def network(self, network):
        layers = [self.conv(network.conv1)]
        if isinstance(network, ShaResNet):
            layers += [self.norm(network.bn1), self.relu()]
            if isinstance(network.maxpool, nn.MaxPool2d):
                layers.append(self.object("SpatialMaxPooling", **self.window(network.maxpool)))
        for stage in network.stages:
            layers.append(self.sequential(*(self.block(block) for block in stage)))
        if isinstance(network, PreActShaResNet):
            layers += [self.norm(network.bn1), self.relu()]
        features = network.fc.in_features
        size = LuaStorage("torch.LongStorage", 1, ArrayPayload(np.array([features])))
        view = self.object("View", size=size, numInputDims=3, numElements=features)
        weights = {"weight": self.tensor(network.fc.weight), "bias": self.tensor(network.fc.bias)}
        layers += [self.average(network.avgpool), view, self.object("Linear", **weights)]
        root = self.sequential(*layers)
        self.finish()
        return root


def randomise(network):
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2)
            for value in (module.weight, module.bias, module.running_mean):
                nn.init.normal_(value)
    return network.eval()


def recognised(obj, path=""):
    found = recognise(build(obj, path))
    found.binder.materialise()
    for module in found.network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked = torch.tensor(0)
    return found.network.eval()


def small(block=BasicBlock, layers=(2, 2), **options):
    settings = {"widths": (4, 8), "stem_width": 4, "pool": 2, "num_classes": 5}
    return ShaResNet(block, layers, **{**settings, **options})


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


def modules(obj):
    return obj["modules"]


def mutate_tanh(root):
    modules(root)[3] = LuaObject("nn.Tanh", LuaTable())


def mutate_kernel(root):
    modules(root)[1].fields["padW"] = 2


def mutate_untied_once(root):
    """The second block of the first stage gets a convolution of its own."""
    conv = spatial(root, 1, 2)
    old = conv["weight"]
    array = np.zeros(old.numel(), "f4")
    storage = LuaStorage("torch.FloatStorage", array.size, ArrayPayload(array))
    conv.fields["weight"] = LuaTensor(old.typename, old.size, old.stride, 0, storage)


def mutate_tied_too_much(root):
    """The first convolution of a block takes part, too."""
    fork = modules(modules(modules(root)[5])[2])[1]
    first = modules(modules(fork)[1])[1]
    first.fields["weight"] = spatial(root, 1, 1)["weight"]


def spatial(root, stage, block):
    fork = modules(modules(modules(root)[4 + stage])[block])[1]
    return modules(modules(fork)[1])[4]


def mutate_same_norm_twice(root):
    stage = modules(root)[5]
    for block in (1, 2):
        main = modules(modules(modules(modules(stage)[block])[1])[1])[5]
        assert main.typename == "nn.SpatialBatchNormalization"
    first = modules(modules(modules(modules(stage)[1])[1])[1])
    modules(modules(modules(modules(stage)[2])[1])[1])[5] = first[5]


def mutate_overlap(root):
    weight = spatial(root, 1, 1)["weight"]
    spatial(root, 1, 1).fields["weight"] = LuaTensor(
        weight.typename, weight.size, (36, 9, 1, 3), weight.offset, weight.storage
    )


def mutate_bias(root):
    norm = modules(root)[2]
    modules(root)[1].fields["bias"] = norm["bias"]


def mutate_groups(root):
    conv = modules(root)[1]
    conv.typename = "cudnn.SpatialConvolution"
    conv.fields["groups"] = 2


def mutate_view(root):
    del modules(root)[8].fields["numInputDims"]


def mutate_eps(root):
    modules(root)[2].fields["eps"] = 1e-3


def mutate_ceil(root):
    modules(root)[4].fields["ceil_mode"] = True


def mutate_softmax(root):
    modules(root)[10] = LuaObject("nn.SoftMax", LuaTable({"_type": "torch.FloatTensor"}))


def mutate_no_module(root):
    modules(root)[10] = LuaObject("torch.Timer")


def mutate_swapped_branches(root):
    fork = modules(modules(modules(root)[6])[1])[1]
    modules(fork)[1], modules(fork)[2] = modules(fork)[2], modules(fork)[1]


def mutate_three_branches(root):
    fork = modules(modules(modules(root)[5])[1])[1]
    modules(fork)[3] = LuaObject("nn.Identity", LuaTable())


def mutate_no_shortcut(root):
    fork = modules(modules(modules(root)[6])[1])[1]
    modules(fork)[2] = LuaObject("nn.Identity", LuaTable())


@pytest.mark.parametrize(
    ("mutate", "reason"),
    [
        (mutate_tanh, r"modules\[3\] is a nn.Tanh, which these networks do not have"),
        (mutate_kernel, r"modules\[1\] \(nn.SpatialConvolution\) has padding \(3, 2\), expected"),
        (
            mutate_untied_once,
            r"modules\[5\].modules\[1\].modules\[1\].modules\[1\].modules\[4\].weight, .* are one "
            "tensor in the definition and not in this file",
        ),
        (mutate_tied_too_much, "which is not how the definition shares"),
        (mutate_same_norm_twice, "which is not how the definition shares"),
        (mutate_overlap, "overlap but are not the same"),
        (mutate_bias, r"modules\[1\].*bias"),
        (mutate_groups, r"modules\[1\].*groups 2"),
        (mutate_view, r"modules\[8\] \(nn.View\) has input dimensions None, expected 3"),
        (mutate_eps, "differ in .eps, momentum."),
        (mutate_ceil, r"modules\[4\].*ceil mode True, expected False"),
        (mutate_softmax, r"modules\[10\] is a nn.SoftMax"),
        (mutate_no_module, "the root holds something that is no module"),
        (mutate_swapped_branches, "is no definition's"),
        (mutate_three_branches, "has 3 branches, not 2"),
        (mutate_no_shortcut, "another shortcut"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_other_networks_are_refused_with_the_reason(mutate, reason):
    root = LuaWriter().network(small())
    recognise(build(root))
    mutate(root)
    with pytest.raises(ArchitectureError, match=reason):
        recognise(build(root))


def test_preactivation_before_an_identity_fork_is_another_network():
    """As fb.resnet.torch's preresnet has it in the first stage."""
    root = LuaWriter().network(models.sharesnet_preact(11, widths=(8, 16, 32), stem_width=8))
    block = modules(modules(root)[2])[1]
    fork, add = modules(block)[1], modules(block)[2]
    main = [modules(modules(fork)[1])[i] for i in range(1, 10)]
    modules(fork)[1].fields["modules"] = LuaTable(dict(enumerate(main[2:], start=1)))
    block.fields["modules"] = LuaTable(dict(enumerate([*main[:2], fork, add], start=1)))
    with pytest.raises(ArchitectureError, match="wrong side of the fork"):
        recognise(build(root))


@pytest.mark.parametrize(
    "fields", [{"v2": False}, {"stochastic_inference": True}], ids=["v1", "stochastic"]
)
def test_dropout_that_acts_in_evaluation_is_another_network(fields):
    root = LuaWriter().network(models.wide_sharesnet(10, 1, dropout=0.5))
    block = modules(modules(root)[2])[1]
    dropout = modules(modules(modules(block)[1])[1])[6]
    assert dropout.typename == "nn.Dropout"
    dropout.fields.update(fields)
    with pytest.raises(ArchitectureError, match="dropout that acts in evaluation"):
        recognise(build(root))


def test_dropout_in_some_blocks_is_another_network():
    root = LuaWriter().network(models.wide_sharesnet(16, 1, dropout=0.5))
    fork = modules(modules(modules(root)[3])[2])[1]
    main = modules(fork)[1]
    layers = [layer for layer in modules(main).values() if layer.typename != "nn.Dropout"]
    main.fields["modules"] = LuaTable(dict(enumerate(layers, start=1)))
    with pytest.raises(ArchitectureError, match=r"dropout is not in every block: see modules\[3\]"):
        recognise(build(root))


def test_shortcuts_of_two_types_are_another_network():
    root = LuaWriter().network(models.sharesnet_cifar(14, widths=(3, 6, 12)))
    other = LuaWriter().network(models.sharesnet_cifar(14, widths=(3, 6, 12), shortcut_type="A"))
    for each in (root, other):
        assert modules(modules(each)[5])[1].typename == "nn.Sequential"
    modules(modules(root)[5])[1] = modules(modules(other)[5])[1]
    with pytest.raises(ArchitectureError, match="another shortcut"):
        recognise(build(root))


def test_padding_that_multiplies_by_something_is_another_network():
    root = LuaWriter().network(models.sharesnet_cifar(8, widths=(3, 6, 12), shortcut_type="A"))
    fork = modules(modules(modules(root)[5])[1])[1]
    concat = modules(modules(fork)[2])[2]
    modules(concat)[2].fields["constant_scalar"] = 0.5
    with pytest.raises(ArchitectureError, match=r"nn.Concat\) has factor 0.5, expected 0"):
        recognise(build(root))


def test_a_lone_shared_convolution_cannot_be_told_from_its_own():
    """Bottleneck stages of one block, or two with a stride, tie nothing: the original it is."""
    network = small(Bottleneck, (1, 2), shared=True)
    assert network.ties() == ()
    found = recognised(LuaWriter().network(network))
    assert not any(block.shares for stage in found.stages for block in stage)


def test_deep_nesting_is_refused_without_recursion_trouble():
    root = LuaWriter().network(small())
    for _ in range(5000):
        root = LuaWriter().sequential(root)
    with pytest.raises(ArchitectureError, match="nest more than 50 deep"):
        recognise(build(root))


def test_nesting_means_nothing():
    network = randomise(small())
    root = LuaWriter().network(network)
    layers = list(modules(root).values())
    writer = LuaWriter()
    features, head = writer.sequential(*layers[:6]), writer.sequential(*layers[6:])
    nested = writer.sequential(features, writer.object("Identity"), head)
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(recognised(nested)(x), network(x))


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


@pytest.mark.parametrize(
    "name", ["inception", "nngraph-unet", "transposed-tie", "same-module-twice"]
)
def test_golden_networks_of_other_kinds_are_refused(shared, name):
    path, obj = model(load(shared / "golden" / "nets" / name / "model.t7"))
    with pytest.raises(ArchitectureError, match="which these networks do not have"):
        recognise(build(obj, path))


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


def test_one_module_object_in_several_blocks_is_shared_like_clones():
    network = randomise(small())
    root = LuaWriter().network(network)
    main = modules(modules(modules(modules(modules(root)[5])[2])[1])[1])
    main[4] = spatial(root, 1, 1)
    found = recognised(root)
    x = torch.randn(1, 3, 64, 64)
    assert found.ties() == network.ties()
    assert torch.equal(found(x), network(x))


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
