"""The time of single calls on a tiny network, most of which is overhead: checks, and caches."""

import numpy as np

import samenet

_NAMES = [name for name in samenet.backends() if name != "reference"]
_SIZES, _ROWS = [4, 8, 3], 16


class Calls:
    version = "1"
    params = (_NAMES, ["Network", "predict", "gradient", "train", "train by 4", "train with Adam"])
    param_names = ("backend", "call")

    def setup(self, backend, call):
        random = np.random.default_rng(0)
        X, Y = random.normal(size=(_ROWS, _SIZES[0])), random.uniform(size=(_ROWS, _SIZES[-1]))
        Network = samenet.backend(backend).Network
        net, once = Network(_SIZES, seed=0), {"alpha": 0.01, "epochs": 1}
        self.run = {
            "Network": lambda: Network(_SIZES, seed=0),
            "predict": lambda: net.predict(X),
            "gradient": lambda: net.gradient(X, Y),
            "train": lambda: net.train(X, Y, **once),
            "train by 4": lambda: net.train(X, Y, **once, batch_size=4, seed=0),
            "train with Adam": lambda: net.train(X, Y, **once, optimizer="adam"),
        }[call]
        self.run()  # compiled before it is timed

    def time_call(self, backend, call):
        self.run()
