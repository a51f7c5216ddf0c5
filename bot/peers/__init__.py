"""What each process keeps in memory, and tells the other processes on its database."""
