"""One weight stays one weight, whatever is done to the network; disagreeing values are refused."""

import copy
import io

import pytest
import torch
from torch import nn

from t7convert.errors import CheckpointError
from t7convert.models import (
    BasicBlock,
    Bottleneck,
    PreActBottleneck,
    PreActShaResNet,
    ShaResNet,
    WideBasic,
)

TIES = {
    "basic": (
        ("layer1.0.conv2.weight", "layer1.1.conv2.weight"),
        ("layer2.0.conv2.weight", "layer2.1.conv2.weight"),
    ),
    "bottleneck": (("layer1.0.conv2.weight", "layer1.1.conv2.weight"),),
    "preact": (
        ("layer1.1.conv2.weight", "layer1.2.conv2.weight"),
        ("layer2.1.conv2.weight", "layer2.2.conv2.weight"),
    ),
    "wide": (
        ("layer1.1.conv2.weight", "layer1.2.conv2.weight"),
        ("layer2.1.conv2.weight", "layer2.2.conv2.weight"),
    ),
}


def build(kind, **options):
    if kind in ("basic", "bottleneck"):
        block = BasicBlock if kind == "basic" else Bottleneck
        settings = {"widths": (4, 8), "stem": "cifar", "pool": 2, "num_classes": 5}
        return ShaResNet(block, (2, 2), **settings, **options)
    block = PreActBottleneck if kind == "preact" else WideBasic
    settings = {"widths": (8, 16), "stem_width": 4, "pool": 2, "num_classes": 5}
    return PreActShaResNet(block, (3, 3), **settings, **options)


def tied(network):
    """The groups of keys that hold one Parameter, found from identity alone."""
    groups = {}
    for key, value in network.named_parameters(remove_duplicate=False):
        groups.setdefault(id(value), []).append(key)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


@pytest.fixture(params=TIES)
def kind(request):
    return request.param


def test_ties_are_those_of_the_definition(kind):
    network = build(kind)
    assert TIES[kind] == network.ties() == tied(network)
    assert () == build(kind, shared=False).ties() == tied(build(kind, shared=False))


def test_modules_stay_distinct(kind):
    network = build(kind)
    group = [network.get_submodule(key.removesuffix(".weight")) for key in TIES[kind][0]]
    assert len(group) == len({id(module) for module in group}) == 2


def test_sharing_survives(kind):
    network = build(kind)
    assert TIES[kind] == tied(copy.deepcopy(network))
    assert TIES[kind] == tied(network.to(torch.float64))
    assert TIES[kind] == tied(network.half().float())
    assert TIES[kind] == tied(copy.deepcopy(network).to("meta"))
    assert TIES[kind] == tied(nn.Sequential(network).to(torch.float64)[0])


def test_sharing_survives_where_parameters_are_replaced(kind):
    with torch.device("meta"):
        network = build(kind)
    assert TIES[kind] == tied(network)
    assert TIES[kind] == tied(network.to_empty(device="cpu"))
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        assert TIES[kind] == tied(network.to(torch.float64))
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(False)


def test_sharing_survives_pickling(kind):
    buffer = io.BytesIO()
    torch.save(build(kind), buffer)
    buffer.seek(0)
    assert TIES[kind] == tied(torch.load(buffer, weights_only=False))


@pytest.mark.parametrize("assign", [False, True])
def test_state_dict_round_trip(kind, assign):
    source, target = build(kind), build(kind)
    state = {key: value.clone() for key, value in source.state_dict().items()}

    target.load_state_dict(state, assign=assign)

    assert TIES[kind] == tied(target)
    for key, value in source.state_dict().items():
        assert torch.equal(value, target.state_dict()[key]), key


def test_gradients_add_up_and_one_step_moves_all(kind):
    network = build(kind)
    separate = build(kind, shared=False)
    separate.load_state_dict(network.state_dict())
    x = torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    for each in (network, separate):
        each.double()(x.double()).square().sum().backward()
    for group in TIES[kind]:
        parts = [separate.get_parameter(key).grad for key in group]
        assert all(part.abs().max() > 0 for part in parts)
        torch.testing.assert_close(
            network.get_parameter(group[0]).grad, sum(parts), rtol=1e-10, atol=1e-12
        )

    before = network.get_parameter(TIES[kind][0][0]).clone()
    torch.optim.SGD(network.parameters(), lr=0.1).step()

    assert TIES[kind] == tied(network)
    moved = [network.state_dict()[key] for key in TIES[kind][0]]
    assert torch.equal(moved[0], moved[1])
    assert not torch.equal(before, moved[0])


@pytest.mark.parametrize("strict", [False, True])
def test_values_that_disagree_are_refused_before_anything_changes(kind, strict):
    network = build(kind)
    before = copy.deepcopy(network.state_dict())
    state = build(kind, shared=False).state_dict()
    one, other = TIES[kind][-1]

    state[TIES[kind][0][1]] = state[TIES[kind][0][0]]
    with pytest.raises(CheckpointError, match=rf"{one} and {other} are one shared"):
        network.load_state_dict({**state, other: state[one] + 1}, strict=strict)

    for key, value in network.state_dict().items():
        assert torch.equal(before[key], value), key


def test_a_stage_alone_checks_too():
    stage = build("basic").layer1
    state = {key: value.clone() for key, value in stage.state_dict().items()}
    state["1.conv2.weight"][0, 0, 0, 0] += 1
    with pytest.raises(CheckpointError, match=r"0\.conv2\.weight and 1\.conv2\.weight"):
        stage.load_state_dict(state)


def test_the_network_inside_another_module_checks_too():
    outer = nn.Sequential(build("basic"))
    state = {key: value.clone() for key, value in outer.state_dict().items()}
    state["0.layer2.1.conv2.weight"][0, 0, 0, 0] += 1
    with pytest.raises(CheckpointError, match=r"0\.layer2\.0\.conv2\.weight"):
        outer.load_state_dict(state)


def test_equal_nan_is_no_disagreement():
    network = build("basic")
    state = {key: value.clone() for key, value in network.state_dict().items()}
    for key in TIES["basic"][0]:
        state[key][0, 0, 0, 0] = float("nan")
    network.load_state_dict(state)
    assert network.layer1[1].conv2.weight[0, 0, 0, 0].isnan()

    state[TIES["basic"][0][1]][0, 0, 0, 0] = 0
    with pytest.raises(CheckpointError, match="values to load differ"):
        network.load_state_dict(state)


def test_part_of_the_keys_loads_for_all():
    network = build("basic")
    one, other = TIES["basic"][0]
    value = torch.full_like(network.get_parameter(one), 0.5)
    network.load_state_dict({other: value}, strict=False)
    assert torch.equal(value, network.get_parameter(one))


def test_a_slice_of_a_stage_is_a_stage_with_the_same_weight():
    network = build("wide")
    part = network.layer1[1:]
    assert part.tied() == ("1.conv2.weight", "2.conv2.weight")
    assert part[0].conv2.weight is network.layer1[2].conv2.weight


def test_repr_says_what_is_shared():
    assert "one conv2.weight for 2 of 3 blocks" in repr(build("preact"))
    assert "one conv2.weight" not in repr(build("preact", shared=False))


def test_a_parametrised_weight_is_left_alone():
    network = build("basic")
    nn.utils.parametrizations.weight_norm(network.layer1[0].conv2)
    network.to(torch.float64)
    assert "weight" not in dict(network.layer1[0].conv2.named_parameters(recurse=False))
