"""What a fitted transformer holds, told apart by a hash: those that were stored with two models may be one."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator


def content_of(fitted: Any) -> str:
    """The hash of all that an estimator is made of and has learned.

    Estimators, arrays, lists, tuples, dictionaries and plain values are gone through; anything else is a TypeError,
    since two of it could not be told apart.
    """
    digest = hashlib.sha256()
    for part in _parts(fitted):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    yield type(value).__name__.encode()
    if isinstance(value, BaseEstimator):
        yield from _parts(vars(value))
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield f"{value.dtype.str} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, dict):
        yield str(len(value)).encode()
        for name in sorted(value):
            yield from _parts(name)
            yield from _parts(value[name])
    elif isinstance(value, list | tuple | np.ndarray):
        yield str(len(value)).encode()
        for part in value:
            yield from _parts(part)
    elif value is None or isinstance(value, str | bool | int | float | np.generic):
        yield repr(value).encode()
    else:
        raise TypeError(f"{type(value).__name__} cannot be told from another one.")
