"""``t7convert download`` from the shell: paths on stdout, everything else on stderr."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fetch_server import Site, file, status, t7_bytes

from t7convert.cli import main
from t7convert.commands.cli_weights import COMMANDS
from t7convert.commands.download import Options, download
from t7convert.commands.progress import Bar
from t7convert.errors import DownloadError
from t7convert.format import LuaTable, save
from tests.build import linear

Run = Callable[..., Result]
BODY = t7_bytes(500)


@pytest.fixture
def catalogue(tmp_path: Path, site: Site) -> Path:
    if sys.version_info < (3, 11):
        pytest.importorskip("tomli")
    path = tmp_path / "my.toml"
    entries = [
        f'[[entry]]\nname = "{name}"\naddresses = ["{url}"]\n'
        for name, url in (
            ("good", site.on("/good", file(BODY))),
            ("other", site.on("/other", file(t7_bytes(9)))),
            ("gone", site.on("/gone", status(404))),
        )
    ]
    path.write_text("".join(entries))
    return path


@pytest.fixture
def run(catalogue: Path, tmp_path: Path) -> Run:
    def call(*arguments: object) -> Result:
        common = ["--catalogue", catalogue, "--cache-dir", tmp_path / "cache"]
        return CliRunner().invoke(COMMANDS[0], [str(item) for item in (*arguments, *common)])

    return call


def test_paths_alone_on_stdout(run: Run, tmp_path: Path) -> None:
    result = run("good", "other")

    assert result.exit_code == 0
    assert result.stdout == "".join(f"{tmp_path / 'cache' / n}.t7\n" for n in ("good", "other"))
    assert result.stderr == ""


def test_what_fails_does_not_stop_the_rest(run: Run, tmp_path: Path) -> None:
    result = run("gone", "good")

    assert result.exit_code == 1
    assert result.stdout == f"{tmp_path / 'cache' / 'good.t7'}\n"
    assert "gone could not be downloaded" in result.stderr
    assert "HTTP 404" in result.stderr


def test_unknown_names_are_refused_before_anything_is_fetched(run: Run, site: Site) -> None:
    result = run("good", "goood")

    assert isinstance(result.exception, DownloadError)
    assert "did you mean good?" in str(result.exception)
    assert site.requests == []


def test_another_address(run: Run, site: Site, tmp_path: Path) -> None:
    result = run("gone", "--url", site.on("/mirror", file(BODY)))

    assert result.stdout == f"{tmp_path / 'cache' / 'gone.t7'}\n"
    assert (tmp_path / "cache/gone.t7").read_bytes() == BODY


def test_offline(run: Run) -> None:
    assert run("good", "--offline").exit_code == 1
    assert run("good").exit_code == 0
    assert run("good", "--offline").exit_code == 0


def test_force_and_accept_change(run: Run, site: Site, tmp_path: Path) -> None:
    run("good")
    site.on("/good", file(t7_bytes(501)))

    assert run("good").exit_code == 0
    assert "first seen under this name" in run("good", "--force").stderr
    assert run("good", "--force", "--accept-change").exit_code == 0
    assert (tmp_path / "cache/good.t7").read_bytes() == t7_bytes(501)


def test_own_entries_are_listed(run: Run) -> None:
    result = run("--list")

    assert "\ngood\n" in result.stdout
    assert "resnet50-shared\n" in result.stdout


def test_one_entry_is_listed(run: Run) -> None:
    assert run("--list", "good").stdout.splitlines()[0] == "good"
    assert "resnet" not in run("--list", "good").stdout
    assert isinstance(run("--list", "goood").exception, DownloadError)


def test_a_bound_on_time_bounds_the_wait_for_others() -> None:
    limits = Options(timeout=3).wish().limits

    assert (limits.total, limits.lock) == (3, 3)


def test_the_function_wants_names() -> None:
    with pytest.raises(DownloadError, match="--list"):
        download([])
    with pytest.raises(DownloadError, match="belong to one name"):
        download(["resnet18", "resnet34"], Options(urls=("http://x/y",)))
    with pytest.raises(DownloadError, match="is no address"):
        download(["resnet18"], Options(urls=("nowhere",)))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = Bar("net")
    bar.update(0, 2_000_000)
    bar.update(2_000_000, 2_000_000)
    bar.close()

    assert "net  [############################] 100 %  2.0 MB" in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")


def test_a_bar_without_a_total(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = Bar("net")
    bar.update(5_000_000_000, None)
    bar.close()

    assert "5.0 GB" in terminal.getvalue()
    assert "%" not in terminal.getvalue()


@pytest.mark.parametrize(("shown", "stream"), [(False, _Terminal()), (True, io.StringIO())])
def test_no_bar(monkeypatch: pytest.MonkeyPatch, *, shown: bool, stream: io.StringIO) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    bar = Bar("net", shown=shown)
    bar.update(1, 1)
    bar.close()

    assert stream.getvalue() == ""


def test_a_name_is_converted(catalogue: Path, site: Site, tmp_path: Path) -> None:
    """By a user's entry, which also says where in the file the network is; a path beats a name."""
    source, cache = tmp_path / "source.t7", tmp_path / "cache"
    save(LuaTable({"a": linear(2, 3), "b": linear(2, 1)}), source)
    site.on("/net", file(source.read_bytes()))
    entry = f'[[entry]]\nname = "two"\naddresses = ["{site.url}/net"]\nselect = "b"\n'
    catalogue.write_text(entry)
    common = ["--catalogue", str(catalogue), "--cache-dir", str(cache)]
    convert = ["to-pytorch", "two", str(tmp_path / "o.pt"), "--force", *common]

    assert CliRunner().invoke(main, [*convert, "--offline"]).exit_code == 1
    assert "parameters  3 in 2 tensors" in CliRunner().invoke(main, convert).stdout
    chosen = CliRunner().invoke(main, [*convert, "--offline", "--select", "a"])
    assert "parameters  9 in 2 tensors" in chosen.stdout
    assert len(site.asked("/net")) == 1
