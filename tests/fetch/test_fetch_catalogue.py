"""The catalogue's schema, the paper's networks, and a user's own entries."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from t7convert.errors import DownloadError
from t7convert.fetch import builtin_catalogue, catalogue, find_entry
from t7convert.fetch.addresses import Direct, GoogleDrive, parse_address
from t7convert.fetch.schema import Checksum, Entry

ENTRIES = builtin_catalogue()
PAPER = {
    34: ("0B6IogDVqG75WcXVIRDE0Zy1mekU", 13_613_864, 21_797_672, 28.25, 9.42),
    50: ("0B6IogDVqG75Wd1VfZ0xSSmJ2M1U", 20_469_800, 25_557_032, 24.61, 7.41),
    101: ("0B6IogDVqG75WZkxaai1uMFRuUjQ", 29_434_920, 44_549_160, 22.91, 6.55),
    152: ("0B6IogDVqG75WWGY2OUtRNnk0Q0k", 36_821_032, 60_192_808, 22.23, 6.14),
}


@pytest.mark.parametrize("depth", PAPER)
def test_the_papers_networks(depth: int) -> None:
    entry = ENTRIES[f"resnet{depth}-shared"]
    file_id, parameters, unshared, top1, top5 = PAPER[depth]

    assert entry.addresses == (GoogleDrive(file_id),)
    assert (entry.parameters, entry.parameters_unshared) == (parameters, unshared)
    assert (entry.errors[0].top1, entry.errors[0].top5) == (top1, top5)
    assert entry.builder == f"sharesnet{depth}"


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_schema(entry: Entry) -> None:
    assert ENTRIES[entry.name] is entry
    assert urlsplit(entry.source).scheme == "https"
    assert entry.licence
    assert entry.architecture
    for address in entry.addresses:
        again = parse_address(str(address))
        assert again == address
    if entry.parameters is not None:
        assert entry.parameters_unshared is not None
        assert 0 < entry.parameters <= entry.parameters_unshared
    if entry.task == "imagenet":
        assert entry.classes == 1000
        assert entry.preprocessing is not None
        assert entry.labels == "imagenet"
        assert entry.errors
    for rate in entry.errors:
        assert 0 < rate.top1 < 100
        assert rate.top5 is None or 0 < rate.top5 < rate.top1
        assert rate.source


def test_fb_resnets() -> None:
    for depth in (18, 34, 50, 101, 152, 200):
        entry = ENTRIES[f"resnet{depth}"]
        assert entry.addresses[0] == Direct(
            f"https://d2j0dndfm35trm.cloudfront.net/resnet-{depth}.t7"
        )
    assert "after the addition" in ENTRIES["resnet50"].quirks[0]
    assert "pre-activation" in ENTRIES["resnet200"].quirks[0]


def test_only_published_checksums() -> None:
    with_checksum = {name: entry.checksum for name, entry in ENTRIES.items() if entry.checksum}

    assert set(with_checksum) == {"openface-nn4.small2.v1"}


def test_entries_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ENTRIES["resnet50"].name = "other"  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize(
    ("algorithm", "digest"), [("md5", "0" * 31), ("crc32", "0" * 8), ("sha256", "G" * 64)]
)
def test_checksums_are_checked(algorithm: str, digest: str) -> None:
    with pytest.raises(ValueError, match="is no checksum"):
        Checksum(algorithm, digest, "")


def test_find_entry_suggests() -> None:
    assert find_entry("resnet18") is ENTRIES["resnet18"]
    with pytest.raises(DownloadError, match=r"did you mean resnet50-shared.*download --list"):
        find_entry("resnet50shared")


GOOD = """
[[entry]]
name = "mine"
addresses = ["file:///data/mine.t7", "https://drive.google.com/open?id=0B6IogDVqG75W"]
checksum = "sha256:{digest}"
licence = "MIT"
task = "cifar10"
classes = 10
preprocessing = "cifar10"
top1_error = 5.5
quirks = ["small"]

[[entry]]
name = "resnet18"
addresses = ["https://mirror.example.org/resnet-18.t7"]
""".format(digest="a" * 64)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    if sys.version_info < (3, 11):
        pytest.importorskip("tomli")
    return tmp_path / "my.toml"


def test_own_catalogue(toml: Path) -> None:
    toml.write_text(GOOD)
    entries = catalogue(toml)
    mine = entries["mine"]

    assert mine.addresses[0] == Direct("file:///data/mine.t7")
    assert mine.addresses[1] == GoogleDrive("0B6IogDVqG75W")
    assert mine.checksum == Checksum("sha256", "a" * 64, mine.source)
    assert mine.preprocessing is not None
    assert mine.preprocessing.mean == (125.3, 123.0, 113.9)
    assert mine.errors[0].dataset == "CIFAR-10"
    assert entries["resnet18"].licence == "none stated"
    assert ENTRIES["resnet18"].licence != "none stated"
    assert set(ENTRIES) < set(entries)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a list of"),
        ("x = 1", "expected a list of"),
        ("entry = 3", "expected a list of"),
        ("entry = [3]", "entry 1: expected a table"),
        ("not toml", "my.toml: "),
        ('[[entry]]\nname = "a"', "no address"),
        ('[[entry]]\nname = "A b"\naddresses = ["http://x/y"]', "is no name"),
        ('[[entry]]\naddresses = ["http://x/y"]', "without a name"),
        ('[[entry]]\nname = "a"\naddresses = ["nowhere"]', "is no address"),
        ('[[entry]]\nname = "a"\naddresses = "http://x/y"', "addresses: expected a list"),
        ('[[entry]]\nname = "a"\naddresses = ["http://x/y"]\nsize = 1', "unknown field size"),
        ('[[entry]]\nname = "a"\naddresses = ["http://x/y"]\nclasses = 0', "classes: expected"),
        ('[[entry]]\nname = "a"\naddresses = ["http://x/y"]\nlicence = 1', "licence: expected"),
        ('[[entry]]\nname = "a"\naddresses = ["http://x/y"]\ntask = "mnist"', "task 'mnist'"),
        ('[[entry]]\nname = "a"\naddresses = ["http://x/y"]\nchecksum = "md5:1"', "no checksum"),
        ('[[entry]]\nname = "a"\naddresses = ["http://x/y"]\npreprocessing = "z"', "'z'"),
        ('[[entry]]\nname = "a"\naddresses = ["http://x/y"]\ntop1_error = 101', "percent"),
        (GOOD + '[[entry]]\nname = "mine"\naddresses = ["http://x/y"]', "mine stands twice"),
    ],
)
def test_faulty_catalogues(toml: Path, text: str, words: str) -> None:
    toml.write_text(text)
    with pytest.raises(DownloadError, match=words):
        catalogue(toml)


def test_missing_catalogue(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="No such file"):
        catalogue(tmp_path / "none.toml")
