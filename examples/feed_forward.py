"""Tutorial 000, section 3: one sample through a 3-3-1 network, on every backend."""

import samenet


def main() -> None:
    """Print the activations of each layer."""
    weights = [[[0.2, 0.2, 0.2], [0.4, 0.4, 0.4], [0.6, 0.6, 0.6]], [[0.5, 0.5, 0.5]]]
    biases = [[0.8, 0.8, 0.8], [0.2]]
    for name in samenet.backends():
        net = samenet.backend(name).Network([3, 3, 1], weights=weights, biases=biases)
        _, hidden, output = net.feed_forward([1.5, 2.0, 3.0])
        print(f"{name:9} hidden {hidden.round(6)}, output {float(output[0])}")
