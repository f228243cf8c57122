"""Orchestration: the only folder that knows Dagster; it joins the stages to the stores."""
