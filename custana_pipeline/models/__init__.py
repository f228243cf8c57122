"""Models: pure, seeded functions from feature frames to fitted pipelines with their evidence."""
