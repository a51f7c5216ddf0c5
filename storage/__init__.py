"""What is kept, and for how long: nothing personal is stored unsealed."""
