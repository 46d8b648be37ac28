"""What the command line writes: terminal output, files and figures."""
