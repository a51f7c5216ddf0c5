"""The staff desk: pages, permissions and JSON API for accounts that are signed in."""
