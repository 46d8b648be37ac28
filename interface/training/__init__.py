"""The implementation of `Network.train`: read `options`, `run`, `session`, `loop`, `sampling`, in this order.

What users choose from is outside this package: `samenet.optimizers`, `samenet.schedules`, `samenet.stopping`.
"""
