"""Commands: what a person types, told on the terminal."""
