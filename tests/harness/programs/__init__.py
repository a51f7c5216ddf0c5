"""Programs of Debian that tests run; without one, what needs it is left out, and a line says so."""
