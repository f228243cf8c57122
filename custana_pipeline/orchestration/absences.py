"""What a source does not have, and what is therefore absent downstream."""

from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.warehouse import Session

_TABLES = {
    "customers": "age, gender and location: the source has no customers table",
    "products": "product names and categories: the source has no products table",
    "events": "browsing: the source has no events",
}


def absences(session: Session, project: Project) -> list[tuple[str, str]]:
    """(what, why) for each thing that cannot be told of this source."""
    found = [
        (told.split(":")[0], told.split(": ")[1])
        for table, told in _TABLES.items()
        if table in project.models.absent_tables() or not session.count(f"cleaned.{table}")
    ]
    if not session.rows("select count(amount) from cleaned.transactions")[0][0]:
        found.append(("amounts", "the order lines have no prices, so demand is told in purchases only"))
    if not session.rows("select count(product_id) from cleaned.transactions")[0][0]:
        found.append(("product recommendations", "the order lines name no products"))
    return found
