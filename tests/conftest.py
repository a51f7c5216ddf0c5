"""What every test shares: the fixtures of the harness, and an environment that costs no time."""

import os
import shutil
import sys
from pathlib import Path

pytest_plugins = [
    "tests.harness.thorough",
    "tests.harness.programs.postgresql",
    "tests.harness.programs.promtool",
    "tests.harness.programs.nats",
    "tests.harness.app_fixtures",
    "tests.harness.storage_fixtures",
    "tests.harness.desk_fixtures",
    "tests.harness.telegram_fixtures",
    "tests.harness.programs.sandbox",
    "tests.drills.fork_server",
]

os.environ["PTB_TIMEDELTA"] = "true"

# With --coverage, this tells each worker to count. The programs that tests start need not: what
# they run of the counted packages, workers run too, and counting makes each start slower.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)

# httpx asks for sniffio at each request to an application, and searches the disk for it in vain.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

# Nothing here goes over TLS, but each client of httpx reads every public root first.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "data/one_authority.pem")

# A commit waits for the disk some ten times. In memory it does not, and what is shown is the same:
# a killed program loses nothing that it wrote; only a power cut would tell the two apart.
_MEMORY, _ENOUGH = Path("/dev/shm"), 1 << 30  # noqa: S108
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ENOUGH:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores: many tests wait for a browser or a process."""
    return (os.cpu_count() or 1) + 1
