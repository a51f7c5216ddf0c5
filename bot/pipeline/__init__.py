"""The pipeline: inbox to turn to outbox to channel, and what the clock makes due."""
