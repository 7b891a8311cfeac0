"""Work orders over HTTP."""
