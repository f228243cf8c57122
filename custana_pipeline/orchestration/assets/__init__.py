"""One module a stage: assets read, call one pure function, and return metadata."""
