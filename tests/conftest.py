"""What every test shares: a database and a vault of its own, and Telegram's waits as times."""

import os

pytest_plugins = ["tests.storage_fixtures", "tests.desk_fixtures"]

os.environ["PTB_TIMEDELTA"] = "true"
