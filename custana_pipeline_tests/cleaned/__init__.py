"""Tests of the cleaned folder."""
