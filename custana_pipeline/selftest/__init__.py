"""Faults tried on the installed project: each entry of the catalogue is injected in a scratch folder and judged."""
