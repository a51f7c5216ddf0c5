"""What every test shares: a database and a vault of its own, and Telegram's waits as times."""

import os

pytest_plugins = [
    "tests.harness.storage_fixtures",
    "tests.harness.desk_fixtures",
    "tests.harness.thorough",
]

os.environ["PTB_TIMEDELTA"] = "true"
