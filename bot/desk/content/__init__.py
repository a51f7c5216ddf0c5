"""Content review: every message, the state diagrams, what is due for review."""
