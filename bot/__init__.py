"""The edges: channels, message pipeline, web pages, staff desk, command line."""
