"""What every page in a browser shares: templates, headers, cookies, forms, limits."""
