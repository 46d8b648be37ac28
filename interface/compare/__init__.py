"""`samenet compare`. Read `cases`, `measurement` and `command`, in this order."""
