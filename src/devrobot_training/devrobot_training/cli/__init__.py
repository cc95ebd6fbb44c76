"""Commands of the package, one module each."""
