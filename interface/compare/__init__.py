"""What `samenet compare` measures and shows: read `cases`, `measurement`, `command` in this order."""
