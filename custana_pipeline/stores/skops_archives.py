"""Fitted estimators as skops archives, refused where they hold a type that nobody has reviewed."""

import io
import json
import zipfile
from collections.abc import Sequence

from custana_pipeline.errors import CustanaError


def archive_of(estimator: object, name: str, trusted_types: Sequence[str]) -> bytes:
    """What `skops.io.dumps` makes of an estimator, with the description on one line.

    skops indents it, for which Python's json has no fast way: two thirds of the time. Raises CustanaError for a type
    that neither skops nor `trusted_types` vouches for.
    """
    import skops
    from skops.io import get_untrusted_types
    from skops.io._utils import SaveContext, get_state

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        context = SaveContext(zip_file=archive)
        state = get_state(estimator, context)
        context.clear_memo()
        described = state | {"protocol": context.protocol, "_skops_version": skops.__version__}
        archive.writestr("schema.json", json.dumps(described))
    content = buffer.getvalue()
    foreign = sorted(set(get_untrusted_types(data=content)) - set(trusted_types))
    if foreign:
        raise CustanaError(
            f"The model {name} holds types that are not trusted, {', '.join(foreign)}: review them, and add them to "
            "the trusted types of models/persistence.py, or use another estimator."
        )
    return content
