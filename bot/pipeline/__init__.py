"""The pipeline: inbox, turn, outbox, channel; and the sweep that runs by the clock."""
