"""What `samenet compare` measures and prints. Read `cases`, `measurement` and `command`, in this order."""
