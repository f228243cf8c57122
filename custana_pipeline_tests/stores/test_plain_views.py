"""A view counts as plain only where its SELECT says nothing but columns and joins by the whole key."""

from pathlib import Path

import duckdb
import pytest

from custana_pipeline.stores.plain_views import plain_view, without_joins
from custana_pipeline.stores.sql_models import SqlModel, read_model

PLAIN = """-- one row per customer
-- grain: as_of, customer_id
-- view: nothing is stored twice
with

activity as (select as_of, customer_id, recency_days, tenure_days from features.activity),

demographics as (select as_of, customer_id, age from features.demographics),

outcomes as (select as_of, customer_id, future_amount from features.outcomes)

select
    activity.as_of,
    activity.customer_id,
    activity.recency_days,
    activity.tenure_days as tenure,
    demographics.age,
    outcomes.future_amount,
    activity.recency_days + 1 as later
from activity
inner join demographics on activity.as_of = demographics.as_of and activity.customer_id = demographics.customer_id
left join outcomes on activity.as_of = outcomes.as_of and activity.customer_id = outcomes.customer_id
"""
BY_KEY = "activity.as_of = demographics.as_of and activity.customer_id = demographics.customer_id"


def model(folder: Path, text: str) -> SqlModel:
    path = folder / "view.sql"
    path.write_text(text)
    return read_model(path, "features.view")


def test_columns_are_told_by_the_table_that_holds_them_but_for_expressions_and_what_may_be_missing(tmp_path: Path):
    found = plain_view(model(tmp_path, PLAIN))
    assert found is not None
    assert found.first == "features.activity"
    activity = dict.fromkeys(("as_of", "customer_id", "recency_days"), "features.activity")
    assert found.stored == activity | {"age": "features.demographics"}
    assert found.joined == {"features.activity", "features.demographics"}


def test_a_few_columns_are_shown_with_the_joins_that_they_ask_for(tmp_path: Path):
    view = model(tmp_path, PLAIN)
    with duckdb.connect() as connection:
        connection.execute("create schema features")
        for table, columns in (
            ("activity", "5 as recency_days, 9 as tenure_days"),
            ("demographics", "30 as age"),
            ("outcomes", "1.5 as future_amount"),
        ):
            people = "range(3)" if table != "outcomes" else "range(1)"
            connection.execute(
                f"create table features.{table} as select date '2025-01-01' as as_of, cast(range as varchar) as "
                f"customer_id, {columns} from {people}"
            )
        for names in (["future_amount"], ["age", "later"], [], [*view.columns]):
            text = without_joins(view, names)
            shown = ", ".join(each for each in view.columns if each in (*view.grain, *names))
            rows = connection.execute(f"from ({text}) order by all").fetchall()
            assert rows == connection.execute(f"select {shown} from ({view.text}) order by all").fetchall()
            assert ("JOIN demographics" in text) == ("age" in names)


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        (f"on {BY_KEY}", "on activity.customer_id = demographics.customer_id"),
        (f"on {BY_KEY}", f"on {BY_KEY} and activity.recency_days = demographics.age"),
        (f"on {BY_KEY}", f"on {BY_KEY.replace('demographics.as_of', 'activity.as_of')}"),
        (f"on {BY_KEY}", f"on {BY_KEY.replace('activity.as_of =', 'activity.as_of <')}"),
        (f"on {BY_KEY}", f"on {BY_KEY.replace(' and ', ' or ')}"),
        ("inner join", "right join"),
        ("inner join", "full join"),
        ("inner join", "semi join"),
        (f"inner join demographics on {BY_KEY}", "cross join demographics"),
        ("from features.demographics", "from features.demographics where age > 18"),
        ("from features.demographics", "from features.demographics limit 5"),
        ("select as_of, customer_id, age", "select distinct as_of, customer_id, age"),
        ("select as_of, customer_id, age", "select as_of, customer_id, age + 1 as age"),
        ("select as_of, customer_id, age", "select as_of, customer_id, tenure as age"),
        ("as (select as_of, customer_id, age from features.demographics)", "as (select * from features.demographics)"),
        ("select\n    activity.as_of", "select distinct\n    activity.as_of"),
        ("select\n    activity.as_of", "select\n    activity.as_of + 30 as as_of"),
        ("select\n    activity.as_of", "select\n    demographics.as_of"),
        ("activity.customer_id = outcomes.customer_id\n", "activity.customer_id = outcomes.customer_id where true\n"),
        ("activity.customer_id = outcomes.customer_id\n", "activity.customer_id = outcomes.customer_id limit 9\n"),
        ("-- grain: as_of, customer_id\n", ""),
    ],
)
def test_any_other_word_makes_it_no_plain_view(tmp_path: Path, said: str, instead: str) -> None:
    assert said in PLAIN
    assert plain_view(model(tmp_path, PLAIN.replace(said, instead))) is None
