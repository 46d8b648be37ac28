"""The pages of the documentation, installed with the package: `samenet docs` prints them; `make docs`, a site."""
