"""What the command line writes: to a terminal, or into a pipe."""
