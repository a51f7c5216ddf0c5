"""Working time: opening hours, due dates and the schedule of call attempts."""
