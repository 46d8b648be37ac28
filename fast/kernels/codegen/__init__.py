"""Generating, compiling and caching the code of kernels. No mathematics of the network here."""
