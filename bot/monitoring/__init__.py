"""What monitoring reads of one process and of the database: numbers, nothing of any person."""
