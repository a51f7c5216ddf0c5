"""Measures the program on this machine: `./run bench`. Takes some minutes; keeps nothing."""

import platform
import tempfile
from pathlib import Path
from time import perf_counter

from storage.backends.sqlite_driver import DRIVER
from tests.bench import chat_load, page_load, storage_scale, telegram_load, throughput, worker_load

PARTS = (
    ("telegram, over http", telegram_load.measure),
    ("workers on postgresql, over http", worker_load.measure),
    ("browser chat, over http", chat_load.measure),
    ("one update, in the program", throughput.measure),
    ("stored", storage_scale.measure),
    ("pages", page_load.measure),
)


def main() -> None:
    """Print the figures; what counts are the ratios, which are taken in the same run."""
    started = perf_counter()
    print(f"Python {platform.python_version()}, SQLite {DRIVER.sqlite_version}")
    for name, measure in PARTS:
        with tempfile.TemporaryDirectory(prefix="rj-bench-") as folder:
            print(f"\n{name.upper()}")
            for line in measure(Path(folder)):
                print(f"  {line}", flush=True)
    print(f"\nMeasured in {perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
