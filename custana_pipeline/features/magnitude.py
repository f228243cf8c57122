"""The greatest number that a customer can have."""

MOST_MAGNITUDE = 1e15
"""No money, count or days of a customer are more; beyond it sums and trees lose their way."""
