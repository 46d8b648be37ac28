"""Tutorial 000, section 4: the cost, and its gradient by the equations of backpropagation."""

import numpy as np

from samenet.examples.report import Report, Settings, run_as_script

SHOWS = "the equations of backpropagation, the network's gradient and finite differences"
IDS = ("A10", "A12")

STEP = 1e-5


def run(settings: Settings) -> Report:
    """One sample through a 3-4-2 network whose weights are drawn at random."""
    report = Report()
    random = settings.stream()
    net = settings.network([3, 4, 2], init="normal", seed=random)
    x, y = random.standard_normal(3), np.array([1.0, 0.0])
    (W1, W2), (b1, b2) = net.weights, net.biases

    report.row("the error of an output of 5 with target 2", abs(2 - 5), 3)
    h = net.predict(x)
    report.row("1/2 ||y - h||^2", 0.5 * np.linalg.norm(y - h) ** 2)
    report.row("the network's cost", net.cost(x, y))

    # z, h and delta as in the tutorial; a sigmoid's slope is f'(z) = h (1 - h).
    h1 = x
    h2 = 1 / (1 + np.exp(-(W1 @ h1 + b1)))
    h3 = 1 / (1 + np.exp(-(W2 @ h2 + b2)))
    delta3 = -(y - h3) * h3 * (1 - h3)
    delta2 = W2.T @ delta3 * h2 * (1 - h2)
    by_hand = np.concatenate([np.outer(delta2, h1).ravel(), delta2, np.outer(delta3, h2).ravel(), delta3])
    _, slope = net.gradient(x, y)
    report.row("delta of the output layer", delta3)
    report.row("dJ/dW of the output layer, delta h^T", slope.weights[1])
    report.row("dJ/db of the output layer, delta", slope.biases[1])
    report.row("largest difference between network and equations", abs(slope.flat - by_hand).max(), digits=2)

    other = net.copy()
    differences = np.empty_like(by_hand)
    for i in range(len(differences)):
        costs = []
        for moved in (net.parameters[i] + STEP, net.parameters[i] - STEP):
            other.parameters[i] = moved
            costs.append(other.cost(x, y))
        other.parameters[i] = net.parameters[i]
        differences[i] = (costs[0] - costs[1]) / (2 * STEP)
    report.row(
        "largest difference between network and central differences", abs(slope.flat - differences).max(), digits=2
    )

    m = 4
    same = net.cost(np.tile(x, (m, 1)), np.tile(y, (m, 1)))
    report.row(f"mean cost of {m} equal samples / cost of one", same / net.cost(x, y), (m + 1) / m)
    report.note(
        "The tutorial sums over z = 0 to m, which is m + 1 terms, and divides by m: taken literally, the mean cost of "
        f"{m} equal samples is {(m + 1) / m:g} times the cost of one. It calls 1/2 ||y - h||^2 the sum of squared "
        "errors, which is twice as large, and later the mean squared error."
    )
    return report


if __name__ == "__main__":
    run_as_script(__file__)
