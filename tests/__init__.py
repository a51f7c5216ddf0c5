"""The tests: stories first, then properties, then small ones; in the shape of the product."""
