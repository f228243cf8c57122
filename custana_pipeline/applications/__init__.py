"""Applications: the lists and the report that people act on, made by the champions only."""
