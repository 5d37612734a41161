"""Released checkpoints: the catalogue, the download, the cache. Needs requests only to download."""

from t7convert.fetch.cache import cache_folder
from t7convert.fetch.known import builtin_catalogue, catalogue, find_entry
from t7convert.fetch.locate import resolve
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import Entry, Preprocessing

__all__ = [
    "Entry",
    "Preprocessing",
    "Wish",
    "builtin_catalogue",
    "cache_folder",
    "catalogue",
    "find_entry",
    "obtain",
    "resolve",
]
