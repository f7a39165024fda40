"""Gives marketplace sellers, and those who work for them, access to the marketplace's REST API."""

__version__ = "0.1.0"
