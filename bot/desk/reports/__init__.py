"""Reports: counts and times, with small cells suppressed."""
