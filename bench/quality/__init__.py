"""The quality of the published lists, judged from outside: truth from the raw file, anchors recomputed beside."""
