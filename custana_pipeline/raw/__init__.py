"""Raw: files land as they are, all text, and every line of every file is accounted for."""
