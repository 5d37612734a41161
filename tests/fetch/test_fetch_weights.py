"""torchvision's manner: members, strings, transforms, torch.hub."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch

from t7convert.errors import CheckpointError, DownloadError
from t7convert.fetch import builtin_catalogue
from t7convert.fetch.obtaining import Wish
from t7convert.format import save
from t7convert.models import get_model, list_models, sharesnet34, sharesnet50
from t7convert.models.weights import (
    WEIGHTS,
    ShaResNet34_Weights,
    ShaResNet50_Weights,
    get_model_weights,
    get_weight,
    load,
)
from t7convert.vision.transforms import transform_for
from tests.conversion.lua_networks import LuaWriter, randomise

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.nn.Module]:
    """A cache that holds a ShaResNet-34 under the name of the released one."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    network = randomise(sharesnet34())
    save(LuaWriter(package="cudnn").network(network), folder / "resnet34-shared.t7")
    return folder, network


@pytest.fixture
def home(
    released: tuple[Path, torch.nn.Module], monkeypatch: pytest.MonkeyPatch
) -> torch.nn.Module:
    monkeypatch.setenv("T7CONVERT_HOME", str(released[0]))
    return released[1]


def same(found: torch.nn.Module, expected: torch.nn.Module) -> bool:
    pairs = zip(found.state_dict().items(), expected.state_dict().items(), strict=True)
    return all(
        a == b and (torch.equal(x, y) or a.endswith("num_batches_tracked"))
        for (a, x), (b, y) in pairs
    )


@pytest.mark.parametrize(
    "weights",
    [
        ShaResNet34_Weights.IMAGENET1K,
        "IMAGENET1K",
        "ShaResNet34_Weights.DEFAULT",
    ],
    ids=str,
)
def test_members_and_strings(home: torch.nn.Module, weights: object) -> None:
    assert same(get_model("sharesnet34", weights=weights), home)


def test_shared_weights_stay_shared(home: torch.nn.Module) -> None:
    network = sharesnet34(weights="IMAGENET1K")

    assert sum(p.numel() for p in network.parameters()) == 13_613_864
    assert network.ties() == home.ties()  # type: ignore[operator]


def test_the_unshared_form_takes_them_too(home: torch.nn.Module) -> None:
    network = sharesnet34(shared=False, weights=ShaResNet34_Weights.IMAGENET1K)

    assert sum(p.numel() for p in network.parameters()) == 21_797_672
    assert same(network, home)


def test_a_path(released: tuple[Path, torch.nn.Module]) -> None:
    path = released[0] / "resnet34-shared.t7"

    assert same(sharesnet34(weights=str(path)), released[1])


def test_torch_hub(home: torch.nn.Module) -> None:
    found = torch.hub.load(
        str(ROOT), "sharesnet34", source="local", weights="ShaResNet34_Weights.IMAGENET1K"
    )

    assert same(found, home)
    for name in ("sharesnet50", "sharesnet164", "wide_sharesnet28_10"):
        assert callable(getattr(importlib.import_module("hubconf"), name))


def test_other_networks_weights_do_not_fit(home: torch.nn.Module) -> None:
    with pytest.raises(CheckpointError, match=r"fit this network: .*fc\.weight has shape"):
        sharesnet34(num_classes=10, weights=ShaResNet34_Weights.IMAGENET1K)
    with pytest.raises(CheckpointError, match="does not fit this network"):
        sharesnet50(weights=ShaResNet34_Weights.IMAGENET1K)


@pytest.mark.parametrize("name", ["IMAGENET1K", "IMAGENET1K_V2"])
def test_no_weights_for_this_network(name: str) -> None:
    with pytest.raises(CheckpointError, match="no weights called"):
        sharesnet34(num_classes=10, weights=name)


@pytest.mark.parametrize("name", ["ShaResNet34_Weights.V2", "Other_Weights.IMAGENET1K"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(CheckpointError, match=r"there are ShaResNet34_Weights\.IMAGENET1K"):
        get_weight(name)


@pytest.mark.parametrize("path", ["missing.t7", "nowhere/net", Path("nowhere/net.t7")])
def test_a_missing_path(path: str | Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        sharesnet34(weights=path)


def test_nothing_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T7CONVERT_HOME", str(tmp_path))
    with pytest.raises(DownloadError, match="--offline"):
        load(ShaResNet34_Weights.IMAGENET1K, torch.nn.Identity(), wish=Wish(offline=True))


@pytest.mark.parametrize("builder", WEIGHTS)
def test_schema(builder: str) -> None:
    assert builder in list_models()
    for member in get_model_weights(builder):
        entry = builtin_catalogue()[member.value.name]
        assert entry.builder == builder
        assert member.url == str(entry.addresses[0])
        assert member.meta["num_params"] == entry.parameters
        assert len(member.meta["categories"]) == 1000
        assert member.meta["errors"][0]["top1"] == entry.errors[0].top1
        assert get_weight(f"{type(member).__name__}.{member.name}") is member


def test_every_release_with_a_builder_has_weights() -> None:
    for entry in builtin_catalogue().values():
        if entry.builder is not None:
            assert entry.name in {member.value.name for member in get_model_weights(entry.builder)}


def test_no_weights_were_released() -> None:
    with pytest.raises(CheckpointError, match="sharesnet164"):
        get_model_weights("sharesnet164")


def test_transforms_travel_with_the_weights() -> None:
    weights = ShaResNet50_Weights.IMAGENET1K
    picture = np.random.default_rng(0).integers(0, 256, (3, 300, 400), np.uint8)
    preprocessing = weights.entry.preprocessing

    assert preprocessing is not None
    assert torch.equal(weights.transforms()(picture), transform_for(preprocessing)(picture))
    assert weights.transforms(ten_crop=True)(picture).shape == (10, 3, 224, 224)
    assert not torch.equal(weights.transforms(pillow=True)(picture), weights.transforms()(picture))


def test_they_come_with_the_models() -> None:
    models = importlib.import_module("t7convert.models")

    assert models.ShaResNet50_Weights is ShaResNet50_Weights
    assert models.get_weight is get_weight
    with pytest.raises(AttributeError, match="no attribute 'ResNet50_Weights'"):
        models.ResNet50_Weights  # noqa: B018  # asking is the test
