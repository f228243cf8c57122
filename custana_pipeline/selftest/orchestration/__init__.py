"""Trials of group B: runs, schedules and alerts."""
