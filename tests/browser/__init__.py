"""What people live through in a real browser: Debian's Chromium, driven by Playwright."""
