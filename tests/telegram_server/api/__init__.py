"""The methods of the Bot API that the loopback Telegram answers."""
