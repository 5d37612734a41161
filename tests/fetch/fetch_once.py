"""Downloads one address in a process of its own: ``fetch_once.py URL CACHE``; prints the path."""

from __future__ import annotations

import sys

from t7convert.fetch.addresses import Direct
from t7convert.fetch.limits import Limits
from t7convert.fetch.obtaining import Wish, obtain
from t7convert.fetch.schema import Entry


def main(url: str, cache: str) -> None:
    entry = Entry(
        name="net",
        addresses=(Direct(url),),
        source="the tests",
        licence="none stated",
        architecture="a tensor",
        task="other",
    )
    limits = Limits(total=30.0, stall=5.0, attempts=2, backoff=0.05, checkpoint=20_000, lock=30.0)
    sys.stdout.write(f"{obtain(entry, Wish(cache_dir=cache, limits=limits))}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
