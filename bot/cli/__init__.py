"""The commands of `rj`, one module a group."""
