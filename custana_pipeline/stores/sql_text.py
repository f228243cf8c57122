"""Names and values inside the text of a statement: quoted here, and nowhere else."""


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def without_patterns(path: str) -> str:
    """The path with the marks of a pattern made plain, as DuckDB's readers need it."""
    return "".join(f"[{mark}]" if mark in "[*?" else mark for mark in path)
