"""Reports: counters and statistics without persons, and exports."""
