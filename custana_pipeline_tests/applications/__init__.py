"""Tests of the applications folder."""
