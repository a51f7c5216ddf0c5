"""The dialogue: what an input leads to, before and around the scenes."""
