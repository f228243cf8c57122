"""Tests of the stores folder."""
