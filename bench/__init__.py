"""Measurements of custana from outside."""
