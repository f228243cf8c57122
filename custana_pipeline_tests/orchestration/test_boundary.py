import dagster as dg
import pytest

from custana_pipeline.errors import BadFile, ContractBroken, CustanaError, DataFault, NotTrainable, Transient, WrongUse
from custana_pipeline.orchestration.boundary import RETRIES, reported, reported_steps

SECRET = "Wilhelmina Q. Customer"


def raising(error: BaseException) -> dg.Failure:
    """What the boundary makes of an error."""

    @reported
    def act() -> None:
        raise error

    with pytest.raises(dg.Failure) as caught:
        act()
    return caught.value


def test_what_goes_well_comes_through() -> None:
    assert reported(lambda x: x + 1)(1) == 2
    assert list(reported_steps(lambda: iter([1, 2]))()) == [1, 2]


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [(DataFault, 3), (BadFile, 3), (ContractBroken, 3), (NotTrainable, 3), (WrongUse, 2), (CustanaError, 1)],
)
def test_our_own_error_is_shown_as_it_is_and_not_tried_again(error: type[CustanaError], exit_code: int) -> None:
    failure = raising(error("orders.csv: it is empty: export it again."))
    assert failure.description == "orders.csv: it is empty: export it again."
    assert failure.allow_retries is False
    assert failure.metadata["exit_code"].value == exit_code
    assert failure.metadata["kind"].value == error.__name__
    assert failure.__suppress_context__


def test_the_text_of_an_unexpected_error_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTANA_DEBUG", raising=False)
    failure = raising(ValueError(f"could not convert {SECRET}"))
    assert "Wilhelmina" not in str(failure.description)
    assert "A defect of custana: ValueError at test_boundary.py:" in str(failure.description)
    assert "CUSTANA_DEBUG=1" in str(failure.description)
    assert failure.allow_retries is False
    assert failure.__suppress_context__


def test_the_text_of_an_unexpected_error_is_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTANA_DEBUG", "1")

    @reported
    def act() -> None:
        raise ValueError("the whole text")

    with pytest.raises(ValueError, match="the whole text"):
        act()


def test_a_body_that_yields_is_guarded_to_its_end() -> None:
    @reported_steps
    def act():
        yield "first"
        raise DataFault("the second is at fault")

    seen = act()
    assert next(seen) == "first"
    with pytest.raises(dg.Failure, match="the second is at fault"):
        next(seen)


def times_tried(error: Exception) -> tuple[bool, int]:
    """Whether an asset that raises `error` twice ends well under our retry policy, and how often it was tried."""
    tried = []

    @dg.asset(retry_policy=RETRIES._replace(delay=0, backoff=None, jitter=None))
    @reported
    def flaky() -> None:
        tried.append(1)
        if len(tried) <= 2:
            raise error

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([flaky], instance=instance, raise_on_error=False)
    return result.success, len(tried)


def test_a_passing_fault_is_tried_again() -> None:
    assert times_tried(Transient("another process has the warehouse")) == (True, 3)


@pytest.mark.parametrize("error", [DataFault("bad"), WrongUse("wrong"), CustanaError("failed"), ValueError("defect")])
def test_other_faults_are_not_tried_again(error: Exception) -> None:
    assert times_tried(error) == (False, 1)


def test_an_error_that_is_shown_to_dagster_has_no_value_in_its_events() -> None:
    @dg.asset
    @reported
    def people() -> None:
        raise KeyError(SECRET)

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([people], instance=instance, raise_on_error=False)
        told = "".join(str(event.to_dict()) if hasattr(event, "to_dict") else str(event) for event in result.all_events)
    assert not result.success
    assert "Wilhelmina" not in told
