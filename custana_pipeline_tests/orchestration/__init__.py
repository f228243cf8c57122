"""Tests of the orchestration folder."""
