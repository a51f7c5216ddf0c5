"""Content review: every message, the flow drawn, what is out of date."""
