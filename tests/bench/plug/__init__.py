"""What a load player outside this repository needs to drive the program as one contestant."""
