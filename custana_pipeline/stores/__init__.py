"""Stores: the warehouse, the SQL models, MLflow, publishing and the settings."""
