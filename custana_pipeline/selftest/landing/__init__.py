"""Trials of group C: bad input."""
