"""The same functions as `samenet.reference`, fast: one module a backend."""
