"""Measures the house on this machine: `./run bench`. Takes a minute or two; keeps nothing."""

import platform
import sqlite3
import tempfile
from pathlib import Path
from time import perf_counter

from tests.bench import page_load, storage_scale, throughput


def main() -> None:
    """Print the figures; what counts are the ratios, which are taken in the same run."""
    started = perf_counter()
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    for name, part in (("updates", throughput), ("stored", storage_scale), ("pages", page_load)):
        with tempfile.TemporaryDirectory(prefix="rj-bench-") as folder:
            print(f"\n{name.upper()}")
            for line in part.measure(Path(folder)):
                print(f"  {line}")
    print(f"\nMeasured in {perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
