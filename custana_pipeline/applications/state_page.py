"""The page of a day on which a model could not be trained: which, why, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined


@dataclass(frozen=True)
class AnalysisState:
    """How the training of one analysis ended."""

    analysis: str
    state: str
    """TRAINED, UNJUDGED, NOT_TRAINABLE or LEAKED_FEATURE."""
    reason: str


def render_states(source: str, as_of: str, states: Sequence[AnalysisState]) -> str:
    """The page as HTML; it names no customer."""
    environment = Environment(
        loader=PackageLoader("custana_pipeline.applications"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("state.html.j2").render(source=source, as_of=as_of, states=states)
