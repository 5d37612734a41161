"""The integers of the paper's networks, counted from tensors on the meta device."""

import json

import pytest
import torch

from t7convert.commands.models import models as models_command
from t7convert.models import builders
from t7convert.models.table import ENTRIES, Count, count, table

# unique parameters, counted every time, tensors unique and all, shared convolutions per stage
EXPECTED = {
    ("ShaResNet-18", 1000): (8_556_072, 11_689_512, 58, 62, (2, 2, 2, 2)),
    ("ShaResNet-34", 1000): (13_613_864, 21_797_672, 98, 110, (3, 4, 6, 3)),
    ("ShaResNet-50", 1000): (20_469_800, 25_557_032, 152, 161, (3, 3, 5, 2)),
    ("ShaResNet-101", 1000): (29_434_920, 44_549_160, 288, 314, (3, 3, 22, 2)),
    ("ShaResNet-152", 1000): (36_821_032, 60_192_808, 424, 467, (3, 7, 35, 2)),
    ("ShaResNet-164", 10): (929_114, 1_703_258, 446, 494, (17, 17, 17)),
    ("ShaResNet-164", 100): (952_244, 1_726_388, 446, 494, (17, 17, 17)),
    ("Wide ShaResNet-40-4", 10): (5_852_634, 8_949_210, 104, 116, (5, 5, 5)),
    ("Wide ShaResNet-40-4", 100): (5_875_764, 8_972_340, 104, 116, (5, 5, 5)),
    ("Wide ShaResNet-28-10", 10): (26_802_394, 36_479_194, 74, 80, (3, 3, 3)),
    ("Wide ShaResNet-28-10", 100): (26_860_084, 36_536_884, 74, 80, (3, 3, 3)),
}


@pytest.fixture(scope="module")
def rows():
    return {(row.entry.name, row.entry.num_classes): row for row in table()}


def test_every_network_of_the_table_is_expected(rows):
    assert EXPECTED.keys() == rows.keys()
    assert len(ENTRIES) == len(rows)


@pytest.mark.parametrize("key", EXPECTED, ids=lambda key: f"{key[0]}-{key[1]}")
def test_counts(rows, key):
    unique, every, tensors, all_tensors, shared = EXPECTED[key]

    assert Count(unique, every, tensors, all_tensors, shared) == rows[key].shared
    assert rows[key].original.parameters == rows[key].original.parameters_every_time == every
    assert rows[key].original.tensors == rows[key].original.tensors_every_time == all_tensors
    assert set(rows[key].original.shared_convolutions) == {0}


def test_published_numbers_are_the_counted_ones_rounded(rows):
    published = [row for row in rows.values() if row.entry.published]
    assert len(published) == 7
    for row in published:
        paper = row.entry.published
        for counted, text in ((row.original, paper.original), (row.shared, paper.shared)):
            digits = len(text.partition(".")[2])
            assert text == f"{counted.parameters / 1e6:.{digits}f}"
        # The table rounds some reductions and cuts others (33.9 became 33).
        assert abs(row.reduction - paper.reduction) < 1


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda **o: builders.sharesnet_cifar(20, **o), (175_706, 272_474, (3, 3, 3))),
        (
            lambda **o: builders.sharesnet_cifar(110, **o),
            (1_730_714 - 17 * 48_384, 1_730_714, (18, 18, 18)),
        ),
        (lambda **o: builders.wide_sharesnet(16, 1, **o), (175_066, 175_066, (1, 1, 1))),
    ],
    ids=["cifar20", "cifar110", "wide16-1"],
)
def test_other_depths(build, expected):
    with torch.device("meta"):
        shared, original = count(build()), count(build(shared=False))

    assert expected == (shared.parameters, original.parameters, shared.shared_convolutions)


def test_command_prints_published_beside_counted(capsys):
    assert models_command(False) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "ShaResNet-50 " in line)
    cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
    expected = "ShaResNet-50|ImageNet|25,557,032|25.6 M|20,469,800|20.5 M|19.9 %|20 %"
    assert cells == expected.split("|")


def test_command_json(capsys):
    assert models_command(True) == 0
    records = json.loads(capsys.readouterr().out)["models"]
    assert len(ENTRIES) == len(records)
    record = next(r for r in records if r["builder"] == "sharesnet164" and r["num_classes"] == 10)
    assert record["shared"] == {
        "parameters": 929_114,
        "parameters_every_time": 1_703_258,
        "tensors": 446,
        "tensors_every_time": 494,
        "shared_convolutions": [17, 17, 17],
    }
    assert record["reduction_percent"] == 45.45
    assert record["published"] == {"original": "1.70", "shared": "0.93", "reduction": 45}
    assert next(r for r in records if r["builder"] == "sharesnet18")["published"] is None
