"""Accidents over HTTP."""
