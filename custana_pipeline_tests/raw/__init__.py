"""Tests of the raw folder."""
