"""What the simulated customers look at: before they buy, and when they only look around."""

from dataclasses import dataclass

import numpy as np

from custana_pipeline.raw.simulator_people import People
from custana_pipeline.raw.simulator_shopping import DAY, Lines, Visits, draw_products, draw_visits
from custana_pipeline.raw.simulator_world import PRODUCT_COUNT, World

VIEWS_BEFORE = (0.50, 0.85)  # cumulated shares of lines with no view, at most one view; the rest have two
MINUTES_SHARE, MEAN_SECONDS, MEAN_DAYS = 0.45, 1_500.0, 4.0
CART_SHARE, ABANDONED_SHARE = 0.22, 0.07
VIEWS_PER_VISIT = 0.55  # beyond the first
SECONDS_BETWEEN_VIEWS = 70.0
VIEW, CART = 0, 1


@dataclass(frozen=True)
class Events:
    """Views (0) and carts (1) in time order, no two of them equal in all columns."""

    person: np.ndarray
    product: np.ndarray
    kind: np.ndarray
    moment: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


def draw_events(people: People, lines: Lines, world: World, rng: np.random.Generator) -> Events:
    """All events of a block, none before the customer's day of sign-up or outside the calendar."""
    sales = lines.take(np.flatnonzero(~lines.is_return))
    parts = [*_before_orders(sales, rng), *_looking_around(people, world, rng)]
    person, product, kind, moment = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    within = (moment >= np.maximum(people.signup_day, 0)[person] * DAY) & (moment < world.calendar.days * DAY)
    # one whole number per event, which sorts by time: equal events fall together
    keys = ((moment * len(people) + person) * PRODUCT_COUNT + product) * 2 + kind
    keys = np.unique(keys[within])
    rest, kind = np.divmod(keys, 2)
    rest, product = np.divmod(rest, PRODUCT_COUNT)
    moment, person = np.divmod(rest, len(people))
    return Events(person=person, product=product, kind=kind, moment=moment)


def _before_orders(sales: Lines, rng: np.random.Generator) -> list[tuple[np.ndarray, ...]]:
    """Views minutes to days before a purchase of the product, and carts shortly before it."""
    parts = []
    wants = rng.random(len(sales))
    for share in VIEWS_BEFORE:
        rows = np.flatnonzero(wants >= share)
        is_near = rng.random(len(rows)) < MINUTES_SHARE
        delay = rng.standard_exponential(len(rows)) * np.where(is_near, MEAN_SECONDS, MEAN_DAYS * DAY)
        parts.append(_events(sales, rows, VIEW, 60 + delay.astype(np.int64)))
    rows = np.flatnonzero(rng.random(len(sales)) < CART_SHARE)
    parts.append(_events(sales, rows, CART, 20 + (rng.random(len(rows)) * 900).astype(np.int64)))
    return parts


def _events(sales: Lines, rows: np.ndarray, kind: int, seconds_before: np.ndarray) -> tuple[np.ndarray, ...]:
    moment = sales.moment[rows] - seconds_before
    return sales.person[rows], sales.product[rows], np.full(len(rows), kind), moment


def _looking_around(people: People, world: World, rng: np.random.Generator) -> list[tuple[np.ndarray, ...]]:
    """Visits that end without an order: some views, now and then a cart that is left behind."""
    visits = draw_visits(people, people.visits_per_day, world.calendar, rng)
    visit = np.repeat(np.arange(len(visits)), 1 + rng.poisson(VIEWS_PER_VISIT, len(visits)))
    person, start = visits.person[visit], visits.moment[visit]
    product = draw_products(people, Visits(person, start), world, rng)
    moment = start + (rng.standard_exponential(len(visit)) * SECONDS_BETWEEN_VIEWS).astype(np.int64)
    views = (person, product, np.full(len(visit), VIEW), moment)
    rows = np.flatnonzero(rng.random(len(visit)) < ABANDONED_SHARE)
    left = moment[rows] + 15 + (rng.random(len(rows)) * 120).astype(np.int64)
    return [views, (person[rows], product[rows], np.full(len(rows), CART), left)]
