"""`samenet advise`."""

def advise() -> int:
    """Soon."""
    return 0
