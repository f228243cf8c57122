"""Trials of group A: crash, storage, publish."""
