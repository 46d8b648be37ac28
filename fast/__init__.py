"""Fast versions of the functions in `samenet.reference`: one module per backend."""
