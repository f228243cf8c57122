"""Tests of the features folder."""
