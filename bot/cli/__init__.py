"""The commands of `rj`, one module for each group."""
