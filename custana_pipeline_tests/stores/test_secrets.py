"""Secrets come from the environment, and nowhere else do they go."""

import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores.secrets import secret, without_secrets

CANARY = "p@ss word/ä'4711"


def test_a_secret_hides_itself_in_repr_and_format():
    found = secret("SHOP_PASSWORD", "the database of source shop", {"SHOP_PASSWORD": CANARY})
    assert CANARY not in f"{found} {found!r}"
    assert found.get_secret_value() == CANARY


@pytest.mark.parametrize("environment", [{}, {"SHOP_PASSWORD": ""}, {"SHOP_PASSWORD": "  "}])
def test_a_missing_secret_is_refused_by_the_name_of_its_variable(environment):
    with pytest.raises(WrongUse, match="SHOP_PASSWORD is not set, and the database of source shop needs it"):
        secret("SHOP_PASSWORD", "the database of source shop", environment)


def test_a_text_loses_the_secrets_that_were_handed_out_however_they_are_written():
    secret("SHOP_PASSWORD", "the database", {"SHOP_PASSWORD": CANARY})
    said = f"cannot connect to postgresql://shop:p%40ss%20word%2F%C3%A4%274711@db/shop, password={CANARY}"
    assert without_secrets(said) == "cannot connect to postgresql://shop:***@db/shop, password=***"
