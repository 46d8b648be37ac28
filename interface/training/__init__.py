"""How a training runs, behind `Network.train`: read `options`, `run`, `session`, `loop`, `sampling` in this order.

What a user chooses stands beside this package: `samenet.optimizers`, `samenet.schedules`, `samenet.stopping`.
"""
