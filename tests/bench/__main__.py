"""Measures the program on this machine: `./run bench`. Takes some minutes; keeps nothing."""

import platform
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

from storage.backends.sqlite_driver import DRIVER
from tests.bench import (
    chat_load,
    desk_scale,
    page_load,
    storage_scale,
    telegram_load,
    throughput,
    worker_load,
)


def parts(referrals: int, chats: int) -> dict[str, Callable[[Path], list[str]]]:
    """Return what is measured, by name; each function takes a folder and returns lines."""
    return {
        "telegram, over http": telegram_load.measure,
        "workers on postgresql, over http": worker_load.measure,
        "browser chat, over http": chat_load.measure,
        "one update, in the program": throughput.measure,
        "stored": storage_scale.measure,
        "pages": page_load.measure,
        "desk": partial(desk_scale.measure_desk, many=referrals),
        "sweep": partial(desk_scale.measure_sweep, many=chats),
    }


def main() -> None:
    """Print the figures; what counts are the ratios, which are taken in the same run."""
    asked = ArgumentParser(prog="./run bench", description=__doc__)
    asked.add_argument("parts", nargs="*", help="only these, such as desk and sweep")
    asked.add_argument("--referrals", type=int, default=50_000, help="how many the desk has")
    asked.add_argument("--chats", type=int, default=1_000_000, help="how many the sweep meets")
    options = asked.parse_args()
    measured = parts(options.referrals, options.chats)
    if unknown := [name for name in options.parts if name not in measured]:
        asked.error(f"no such part: {unknown[0]}. There are: {'; '.join(measured)}")
    started = perf_counter()
    print(f"Python {platform.python_version()}, SQLite {DRIVER.sqlite_version}")
    for name in options.parts or measured:
        with tempfile.TemporaryDirectory(prefix="rj-bench-") as folder:
            print(f"\n{name.upper()}")
            for line in measured[name](Path(folder)):
                print(f"  {line}", flush=True)
    print(f"\nMeasured in {perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
