"""Validation of what a user passes in, before anything is done with it."""
