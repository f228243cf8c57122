"""Trials of group E: models."""
