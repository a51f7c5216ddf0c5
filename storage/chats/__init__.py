"""Chats: inbox and outbox, conversations, browser sessions, handoffs to staff."""
