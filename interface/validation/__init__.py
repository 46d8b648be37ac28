"""Validation of users' input, before anything is done with it."""
