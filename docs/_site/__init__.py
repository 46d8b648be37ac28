"""Sphinx extensions for the site, one per module."""
