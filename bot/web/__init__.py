"""Shared by every web page: templates, security headers, cookies, forms, rate limits."""
