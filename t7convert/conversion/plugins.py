"""Plugins: Python files or modules that register converters of their own."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from t7convert.conversion import registry
from t7convert.errors import T7Error
from t7convert.lua import schema
from t7convert.options import Plugins

#: Packages that want to be found without ``--plugin`` declare an entry point of this group.
ENTRY_POINT_GROUP = "t7convert.plugins"


class PluginError(T7Error):
    """A plugin can't be loaded."""


@contextmanager
def loaded(plugins: Plugins = ()) -> Iterator[None]:
    """Register the converters of ``plugins``, and of installed entry points, inside the block.

    A plugin is a path of a ``.py`` file, the name of an importable module, or a module object with
    a function ``register()``. What entry points register stays, as what an import registers does.

    Raises:
        PluginError: if one can't be found or fails while it is imported.
    """
    if isinstance(plugins, (str, Path, ModuleType)):
        raise TypeError(f"plugins={plugins!r}: a list is expected, plugins=[...]")
    _load_installed()
    with ExitStack() as stack:
        stack.enter_context(registry.restored())
        stack.enter_context(schema.restored())
        for plugin in plugins:
            _load(plugin)
        yield


@cache
def _load_installed() -> None:
    """Load the entry points, once: a module that was imported would not register again."""
    for point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            registered = point.load()
            if callable(registered):
                registered()
        except Exception as error:  # any that a stranger's code raises
            problem = f"{type(error).__name__}: {error}"
            raise PluginError(
                f"installed plugin {point.name} ({point.value}): {problem}"
            ) from error


def _load(plugin: str | Path | ModuleType) -> None:
    if isinstance(plugin, ModuleType):
        register = getattr(plugin, "register", None)
        if not callable(register):
            raise PluginError(f"the plugin module {plugin.__name__} has no function register()")
        register()
        return
    text = str(plugin)
    try:
        if text.endswith(".py"):
            _run_file(Path(text))
        else:
            for name in [n for n in sys.modules if n == text or n.startswith(f"{text}.")]:
                del sys.modules[name]  # or its converters would not be registered again
            importlib.import_module(text)
    except T7Error:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"plugin {text}: {type(error).__name__}: {error}") from error


def _run_file(path: Path) -> None:
    if not path.is_file():
        raise PluginError(f"plugin {path}: there is no such file")
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    name = f"t7convert_plugin_{path.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"plugin {path}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickling and dataclasses look the module up by name
    spec.loader.exec_module(module)
