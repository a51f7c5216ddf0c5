"""The JSON API for a case-management system."""
