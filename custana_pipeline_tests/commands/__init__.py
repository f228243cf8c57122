"""Tests of what a person types, and of what she is told."""
