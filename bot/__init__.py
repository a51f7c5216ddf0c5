"""Everyone who is met: the channels, the staff, the command line."""
