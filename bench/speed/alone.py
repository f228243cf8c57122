"""`custana` that trains in its own process, so that its lists have the machine to themselves, as a library's have that
they are measured beside: `python -m bench.speed.alone run ...`.
"""

from custana_pipeline import cli
from custana_pipeline.commands.process import settle


def switch_off() -> None:
    """Has no second process started."""
    from custana_pipeline.orchestration import ahead

    ahead._is_worthwhile = lambda: False


if __name__ == "__main__":
    settle()  # before numeric libraries are imported, as the command does it
    switch_off()
    cli.command()
