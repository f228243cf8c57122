"""Features: what is known of each customer strictly before a day, and what came after it."""
