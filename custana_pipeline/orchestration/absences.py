"""What a source does not have, and what is therefore absent downstream."""

from custana_pipeline.orchestration.id_numbers import by_number
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session

_COLUMNS = {
    "customers": {"coalesce(age, birth_year)": "age", "gender": "gender", "location": "location"},
    "products": {"name": "product names", "category": "categories"},
}
"""Table -> its columns that a source may lack, in words."""


def absences(session: Session, project: Project) -> list[tuple[str, str]]:
    """(what, why) for each thing that cannot be told of this source."""
    found = [_lacking(session, project, table) for table in _COLUMNS]
    if _is_absent(session, project, "events"):
        found.append(("browsing", "the source has no events"))
    query = "select count(amount), count(product_number) from cleaned.numbered_transactions"
    amounts, products = session.rows(query)[0]
    if not amounts:
        found.append(
            ("amounts and customer value", "the order lines have no prices, so demand is told in purchases only")
        )
    if not products:
        found.append(("product recommendations", "the order lines name no products"))
    return [(what, why) for what, why in found if what]


def _lacking(session: Session, project: Project, table: str) -> tuple[str, str]:
    words = _COLUMNS[table]
    if _is_absent(session, project, table):
        return _listed(list(words.values())), f"the source has no {table} table"
    counts = session.rows(f"select {', '.join(f'count({column})' for column in words)} from cleaned.{table}")[0]
    empty = [word for word, count in zip(words.values(), counts, strict=True) if not count]
    return _listed(empty), f"the source's {table} have none"


def _is_absent(session: Session, project: Project, table: str) -> bool:
    return table in project.models.absent_tables() or not session.count(by_number(table))


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
