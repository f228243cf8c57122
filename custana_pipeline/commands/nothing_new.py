"""What `custana run` says where nothing has changed since the last one."""

from custana_pipeline.commands.terminal import terminal
from custana_pipeline.stores.places import near
from custana_pipeline.stores.receipts import standing
from custana_pipeline.stores.settings import Settings


def tell_what_stands(settings: Settings, as_of: str | None) -> bool:
    """Whether the lists of the day are what a run would make again; says so, and where they are."""
    found = standing(settings, as_of)
    if found is None:
        return False
    terminal().print(
        f"custana: nothing new since {found.since:%Y-%m-%d %H:%M}: files, settings and code are those of the last run "
        f"for {found.as_of}, so {near(found.version)} stands. `custana run --again` runs all the same."
    )
    return True
