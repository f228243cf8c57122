"""The same job as people do it today: pandas from end to end, a chain of assets, Polars, lifetimes, implicit."""
