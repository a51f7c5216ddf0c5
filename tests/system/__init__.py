"""Tests across all parts: the main job, crashes, leaks, hostile input."""
