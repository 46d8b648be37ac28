"""To study a network or its training: pictures, error surfaces, descent along one line, changes of direction."""
