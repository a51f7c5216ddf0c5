"""Exports: lists, spreadsheets, PDF and print."""
