"""Writing, compiling and keeping the code of kernels. No mathematics of the network here."""
