"""Tests of the repository itself: its architecture and its documents."""
