"""Reading and writing .t7 files; numpy only."""

from t7convert.format.reader import T7File, load, open_file

__all__ = ["T7File", "load", "open_file"]
