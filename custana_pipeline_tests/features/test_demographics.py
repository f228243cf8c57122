import pytest

from custana_pipeline_tests.features.tiny_shop import TinyShop


def test_age_is_counted_from_the_year_of_birth_at_as_of(shop: TinyShop) -> None:
    shop.buys("ann", "2019-01-01")
    shop.knows("ann", birth_year=1980, age=99)
    shop.build("2020-02-01", "2021-02-01")
    assert shop.frame("demographics")["age"].tolist() == [40.0, 41.0]


def test_the_stated_age_serves_where_no_year_of_birth_is_known(shop: TinyShop) -> None:
    shop.buys("ann", "2019-01-01")
    shop.knows("ann", age=33, gender="female", location="Oslo")
    row = shop.build("2020-02-01").of("demographics")
    assert (row["age"], row["gender"], row["location"], row["signed_up_days"]) == (33.0, "female", "Oslo", None)


@pytest.mark.parametrize(("signed_up_at", "days"), [("2020-01-31", 1.0), ("2020-02-01", None), ("2020-03-01", None)])
def test_a_record_is_known_from_the_day_after_its_sign_up(
    shop: TinyShop, signed_up_at: str, days: float | None
) -> None:
    shop.buys("ann", "2019-01-01")
    shop.knows("ann", age=33, location="Oslo", signed_up_at=signed_up_at)
    row = shop.build("2020-02-01").of("demographics")
    assert row["signed_up_days"] == days
    assert row["location"] == (None if days is None else "Oslo")


def test_an_age_that_nobody_has_is_unknown(shop: TinyShop) -> None:
    shop.buys("ann", "2019-01-01")
    shop.knows("ann", birth_year=2015)
    assert shop.build("2020-02-01").of("demographics")["age"] is None


def test_a_customer_without_a_record_has_nulls(shop: TinyShop) -> None:
    shop.buys("ann", "2019-01-01")
    row = shop.build("2020-02-01").of("demographics")
    assert [row[name] for name in ("age", "gender", "location", "signed_up_days")] == [None] * 4
