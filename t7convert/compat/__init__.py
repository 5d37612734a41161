"""Code written for PyTorch before 1.0 goes on: ``load_lua``, and what it returned.

``torch.utils.serialization.load_lua`` and ``torch.legacy.nn`` left PyTorch with 1.0. Here is a
``load_lua`` whose results are used in the same way: tables are lists and dicts, tensors are those
of torch, and a module has its Lua fields, ``forward`` and ``modules``. docs/migration.md says what
differs.
"""

from t7convert.compat.loading import T7ReaderException, load_lua
from t7convert.compat.tables import LuaFunction, TorchObject, hashable_uniq_dict

__all__ = ["LuaFunction", "T7ReaderException", "TorchObject", "hashable_uniq_dict", "load_lua"]
