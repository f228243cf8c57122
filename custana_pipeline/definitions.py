"""The roof: what Dagster loads for the source that the settings name."""

from custana_pipeline.orchestration.code_location import build_definitions
from custana_pipeline.stores.settings import load_settings

defs = build_definitions(load_settings())
