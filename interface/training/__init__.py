"""What watches over a training while it runs."""
