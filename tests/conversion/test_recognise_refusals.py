"""What is not a network of the paper's families is refused, and the reason is said."""

import numpy as np
import pytest

from t7convert import models
from t7convert.conversion.recognise import recognise
from t7convert.errors import ArchitectureError
from t7convert.format.objects import ArrayPayload, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.format.reader import load
from t7convert.lua.find import model
from t7convert.lua.tree import build
from tests.conversion.lua_networks import LuaWriter, modules, small, spatial


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


def mutate_norm_without_bias(root):
    del modules(root)[2].fields["bias"]


def mutate_linear_without_bias(root):
    del modules(root)[9].fields["bias"]


def mutate_empty(root):
    modules(root)[1].fields["nOutputPlane"] = 0


def mutate_size(root):
    modules(root)[1].fields["nOutputPlane"] = 10**20


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
        (mutate_tanh, r"modules\[3\] is a nn.Tanh, which neither a ShaResNet nor its original has"),
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
        (mutate_norm_without_bias, r"modules\[2\].*the field bias is missing"),
        (mutate_linear_without_bias, r"modules\[9\].*the field bias is missing"),
        (mutate_empty, "stem_width is 0, expected 1 or more"),
        (mutate_size, "no network has these sizes"),
        (mutate_no_module, "the root holds something that is no module"),
        (mutate_swapped_branches, "is no ShaResNet's"),
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


def test_deep_nesting_is_refused_without_recursion_trouble():
    root = LuaWriter().network(small())
    for _ in range(5000):
        root = LuaWriter().sequential(root)
    with pytest.raises(ArchitectureError, match="nest more than 50 deep"):
        recognise(build(root))


@pytest.mark.parametrize("name", ["inception", "nngraph-unet", "transposed-tie"])
def test_golden_networks_of_other_kinds_are_refused(shared, name):
    path, obj = model(load(shared / "golden" / "nets" / name / "model.t7"))
    with pytest.raises(ArchitectureError, match="which neither a ShaResNet nor its original has"):
        recognise(build(obj, path))


def test_a_container_that_holds_itself_is_refused():
    root = LuaWriter().network(small())
    modules(modules(root)[5])[2] = root
    with pytest.raises(ArchitectureError, match="the root stands in several places"):
        recognise(build(root))
