"""Warranty items over HTTP."""
