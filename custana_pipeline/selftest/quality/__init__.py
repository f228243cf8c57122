"""Trials of group D: data quality."""
