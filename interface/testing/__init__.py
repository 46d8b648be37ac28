"""What a proof that backends agree is made of: rounding errors, and the bounds of activations, costs and updates."""
