"""Scenes, one module for each stage: show() renders it, handle() takes typed text there."""
