"""Reading and writing .t7 files; numpy only. The format itself is told in ``spec``."""

from t7convert.format.encoding import Encoding
from t7convert.format.objects import (
    LuaFunction,
    LuaObject,
    LuaStorage,
    LuaTable,
    LuaTensor,
)
from t7convert.format.reader import SalvageWarning, T7File, load, load_all, open_file
from t7convert.format.writer import save, save_all

__all__ = [
    "Encoding",
    "LuaFunction",
    "LuaObject",
    "LuaStorage",
    "LuaTable",
    "LuaTensor",
    "SalvageWarning",
    "T7File",
    "load",
    "load_all",
    "open_file",
    "save",
    "save_all",
]
