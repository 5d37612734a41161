"""``python -m t7convert``."""

from t7convert.cli import main

main(prog_name="t7convert")
