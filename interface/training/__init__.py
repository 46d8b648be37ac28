"""How a training runs, behind `Network.train`: read `options`, `rules`, `loop`, `sampling` in this order.

What a user chooses stands beside this package: `samenet.optimizers`, `samenet.schedules`, `samenet.stopping`.
"""
