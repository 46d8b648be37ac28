"""The output of the command line: terminal, files and figures."""
