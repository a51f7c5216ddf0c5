"""What the scenes work with: the moment, the moves of a conversation, and its buttons."""
