"""A view counts as plain only where its SELECT says nothing but columns and joins by the whole key."""

from pathlib import Path

import pytest

from custana_pipeline.stores.plain_views import plain_view
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
