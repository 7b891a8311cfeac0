"""Tests of quality flags."""
