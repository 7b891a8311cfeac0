"""Tests of merging files."""
