"""The measurements: `./run bench`. Never part of the tests; figures are compared within one run."""
