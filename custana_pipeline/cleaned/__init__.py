"""Cleaned: typed, deduplicated, validated tables; what is not kept is stored with its reason."""
