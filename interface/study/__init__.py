"""Tools to study a network or its training: diagrams, error surfaces, descent on any function, many training runs."""
