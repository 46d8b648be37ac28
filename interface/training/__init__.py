"""The implementation of `Network.train`: read `options`, `run`, `session`, `loop`, `sampling`, in this order.

The classes that users choose from are outside this package: `samenet.optimizers`, `samenet.schedules`,
`samenet.stopping`.
"""
