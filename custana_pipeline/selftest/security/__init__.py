"""Trials of group F: security."""
