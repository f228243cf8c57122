"""What a source pack says of its circuit breakers."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Breakers(BaseModel):
    """When a run stops, or warns, because the days of a source look wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    volume: Literal["block", "warn", "off"] = Field(
        default="block",
        description="What a day with next to no order lines, or with ten times the usual ones, does; half and double "
        "only warn. A usual day is the median of the same weekday in the 8 weeks before.",
    )
    stale_warn_days: int = Field(
        default=2, ge=0, description="Days without any order line before as_of that are no warning."
    )
    stale_block_days: int = Field(
        default=14,
        ge=0,
        description="Days without any order line before as_of above which nothing is published; a source "
        "with a last day only warns.",
    )
