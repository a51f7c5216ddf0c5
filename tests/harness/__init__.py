"""The application under test: fixtures and harnesses that start it."""
