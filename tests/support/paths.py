"""Where the repository, the data and the stories of the tests are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
STORIES = ROOT / "tests" / "stories"
