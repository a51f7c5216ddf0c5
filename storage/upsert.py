"""An insert that says what happens when the row is there already."""

# Both dialects compile PostgreSQL's form of ON CONFLICT; that of SQLite is SQLite's alone.
from sqlalchemy.dialects.postgresql import insert as upsert

__all__ = ["upsert"]
