"""The boundary between our code and Dagster: what an error may say, and what is tried again.

A DataFault is never retried and its message is shown as it is. A Transient is left to the asset's retry policy. What
is interrupted ends the whole run.
Anything else is a defect: its type and place are told, but not its text, since libraries quote the offending values.
"""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import dagster as dg

from custana_pipeline.errors import CustanaError, TookTooLong, Transient
from custana_pipeline.stores import faults
from custana_pipeline.stores.run_workers import STOP, STOPPED

Returned = TypeVar("Returned")
RETRIES = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def reported(act: Callable[..., Returned]) -> Callable[..., Returned]:
    """Turns the errors of an asset's body into what Dagster shows and retries."""

    @functools.wraps(act)
    def guarded(*args: Any, **kwargs: Any) -> Returned:
        with _told():
            return act(*args, **kwargs)

    return guarded


def reported_steps(act: Callable[..., Iterator[Returned]]) -> Callable[..., Iterator[Returned]]:
    """The same for a body that yields its results one by one."""

    @functools.wraps(act)
    def guarded(*args: Any, **kwargs: Any) -> Iterator[Returned]:
        with _told():
            yield from act(*args, **kwargs)

    return guarded


@contextmanager
def _told() -> Iterator[None]:
    if STOP.reason:  # a run in the command's own process would go on with its other branches
        raise _interrupted()
    try:
        yield
    except (Transient, dg.Failure):
        raise
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError, TookTooLong):
        # Dagster would try an interrupted step again, and go on with the others: the executor looks here
        STOP.ask(STOPPED)
        raise _interrupted() from None
    except CustanaError as error:
        raise failure(error) from None
    except Exception as error:
        if os.environ.get("CUSTANA_DEBUG"):
            raise
        own = faults.told(error) or faults.defect(error)
        if isinstance(own, Transient):
            raise own from None
        raise failure(own) from None


def _interrupted() -> dg.Failure:
    return dg.Failure(description="The run was ended before the step was.", allow_retries=False)


def failure(error: CustanaError) -> dg.Failure:
    """The Dagster failure that shows `error` and is not tried again."""
    return dg.Failure(
        description=str(error),
        metadata={"exit_code": error.exit_code, "kind": type(error).__name__},
        allow_retries=False,
    )
