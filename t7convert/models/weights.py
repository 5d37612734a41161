"""Released weights in torchvision's manner: ``ShaResNet50_Weights.IMAGENET1K`` and by string.

A member knows where it was published (``url``, ``meta``) and how its pictures are preprocessed
(``transforms()``). Loading downloads the ``.t7`` file into the cache and converts it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from t7convert import api
from t7convert.errors import CheckpointError
from t7convert.fetch.known import find_entry
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import Entry
from t7convert.vision.labels import bundled_labels
from t7convert.vision.transforms import Transform, transform_for

_SHOWN = 3


@dataclass(frozen=True)
class Weights:
    """One release, by its name in the catalogue."""

    name: str

    @property
    def entry(self) -> Entry:
        """What the catalogue says of it."""
        return find_entry(self.name)


class WeightsEnum(Enum):
    """The releases of one network; members compare and print as in torchvision."""

    value: Weights

    @property
    def entry(self) -> Entry:
        """What the catalogue says of it."""
        return self.value.entry

    @property
    def url(self) -> str:
        """The first address where it was published."""
        return str(self.entry.addresses[0])

    def transforms(self, *, ten_crop: bool = False, pillow: bool = False) -> Transform:
        """Return the preprocessing, Torch7's resizing by default, Pillow's as an option."""
        assert self.entry.preprocessing is not None
        return transform_for(
            self.entry.preprocessing,
            ten_crop=ten_crop,
            interpolation="pillow-bicubic" if pillow else "torch7-bicubic",
        )

    @property
    def meta(self) -> dict[str, Any]:
        """Return categories, numbers of parameters, published error rates, licence and sources."""
        entry = self.entry
        return {
            "categories": list(bundled_labels(entry.labels).names) if entry.labels else None,
            "num_params": entry.parameters,
            "num_params_unshared": entry.parameters_unshared,
            "errors": [
                {"dataset": rate.dataset, "crops": rate.crops, "top1": rate.top1, "top5": rate.top5}
                for rate in entry.errors
            ],
            "licence": entry.licence,
            "source": entry.source,
            "paper": entry.paper,
            "quirks": list(entry.quirks),
        }

    def get_state_dict(self, *, wish: Wish | None = None) -> dict[str, Tensor]:
        """Download (or take from the cache) and convert; tied keys share one tensor.

        Raises:
            T7Error: of the kind that downloading or converting raises.
        """
        return _state_of(self.entry, wish)


class ShaResNet34_Weights(WeightsEnum):  # noqa: N801  # torchvision's names
    """ShaResNet-34."""

    IMAGENET1K = Weights("resnet34-shared")
    DEFAULT = IMAGENET1K


class ShaResNet50_Weights(WeightsEnum):  # noqa: N801
    """ShaResNet-50."""

    IMAGENET1K = Weights("resnet50-shared")
    DEFAULT = IMAGENET1K


class ShaResNet101_Weights(WeightsEnum):  # noqa: N801
    """ShaResNet-101."""

    IMAGENET1K = Weights("resnet101-shared")
    DEFAULT = IMAGENET1K


class ShaResNet152_Weights(WeightsEnum):  # noqa: N801
    """ShaResNet-152."""

    IMAGENET1K = Weights("resnet152-shared")
    DEFAULT = IMAGENET1K


#: Builder → its weights.
WEIGHTS: Mapping[str, type[WeightsEnum]] = {
    "sharesnet34": ShaResNet34_Weights,
    "sharesnet50": ShaResNet50_Weights,
    "sharesnet101": ShaResNet101_Weights,
    "sharesnet152": ShaResNet152_Weights,
}


def get_model_weights(builder: str) -> type[WeightsEnum]:
    """Return the weights of a builder, e.g. ``get_model_weights("sharesnet50")``.

    Raises:
        CheckpointError: if none were released for it.
    """
    if builder not in WEIGHTS:
        raise CheckpointError(
            f"no weights were released for {builder!r}; there are some for {', '.join(WEIGHTS)}"
        )
    return WEIGHTS[builder]


def get_weight(name: str) -> WeightsEnum:
    """Return a member by its full name, e.g. ``ShaResNet50_Weights.IMAGENET1K``.

    Raises:
        CheckpointError: if there is none of that name.
    """
    family, _, member = name.partition(".")
    for each in WEIGHTS.values():
        if each.__name__ == family and member in each.__members__:
            return each[member]
    known = ", ".join(
        f"{each.__name__}.{name}" for each in WEIGHTS.values() for name in each.__members__
    )
    raise CheckpointError(f"no weights called {name!r}; there are {known}")


def load(
    weights: WeightsEnum | str | os.PathLike[str],
    network: nn.Module,
    *,
    wish: Wish | None = None,
) -> None:
    """Load released weights into a network of ``t7convert.models``.

    Args:
        weights: a member; a full name; ``IMAGENET1K`` or ``DEFAULT``, where the number of the
            network's parameters says which; or the path of a ``.t7`` file.
        network: changed in place; a ShaResNet's weights fit its unshared form too.

    Raises:
        CheckpointError: if there are no such weights, or they don't fit.
        T7Error: of the kind that downloading or converting raises.
    """
    if not isinstance(weights, WeightsEnum) and Path(weights).exists():
        name, state = os.fspath(weights), _state_of(Path(weights), wish)
    else:
        member = (
            weights if isinstance(weights, WeightsEnum) else _member(os.fspath(weights), network)
        )
        name, state = f"{type(member).__name__}.{member.name}", member.get_state_dict(wish=wish)
    _check_fit(name, state, network)
    network.load_state_dict(state)


def _member(name: str, network: nn.Module) -> WeightsEnum:
    """Return the member that a string means, for this network."""
    if os.sep in name or name.endswith(".t7"):
        raise CheckpointError(f"{name}: no such file")
    if "." in name:
        return get_weight(name)
    for family in WEIGHTS.values():
        if name in family.__members__:
            counts = {family[name].entry.parameters, family[name].entry.parameters_unshared}
            if sum(parameter.numel() for parameter in network.parameters()) in counts:
                return family[name]
    raise CheckpointError(
        f"no weights called {name!r} were released for this network; "
        f"there are some for {', '.join(WEIGHTS)}, with 1000 classes"
    )


def _state_of(source: Entry | Path, wish: Wish | None) -> dict[str, Tensor]:
    path = obtain(source, wish) if isinstance(source, Entry) else source
    select = source.select or None if isinstance(source, Entry) else None
    network = api.to_converted(path, select=select, arch="sharesnet").network
    state: dict[str, Tensor] = network.state_dict()
    return state


def _check_fit(name: str, state: Mapping[str, Tensor], network: nn.Module) -> None:
    own = network.state_dict()
    problems = [f"{key} is missing" for key in own if key not in state]
    problems += [f"{key} has no place" for key in state if key not in own]
    problems += [
        f"{key} has shape {tuple(state[key].shape)}, the network's is {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    if problems:
        more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise CheckpointError(
            f"{name} does not fit this network: {'; '.join(problems[:_SHOWN])}{more}"
        )
