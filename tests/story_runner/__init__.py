"""Stories: the language they are written in, and players on every channel."""
