"""Tutorial 001: one step of gradient descent in a 1-1-1 network, in the tutorial's own functions."""

import math
from typing import TYPE_CHECKING

import samenet
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "one step of gradient descent in a 1-1-1 network, number by number"
IDS = ("B04",)

X, Y, W1, B1, W2, B2, STEP = 0.8, 1.0, 1.58, -0.14, 2.45, -0.11, 0.1

PRINTED = {
    "z_l1": 1.124,
    "a_l1": 0.7547299213576082,
    "z_l2": 1.73908830732614,
    "a_l2": 0.850571226530534,
    "cost": 0.011164479170294499,
    "sigmoid'(z_l1)": 0.18511266716514674,
    "sigmoid'(z_l2)": 0.12709981512887705,
    "dC/da_l2": -0.14942877346946604,
    "dC/db_l2": -0.018992369482903983,
    "dC/dw_l2": -0.014334109526226761,
    "dC/da_l1": -0.04653130523311476,
    "dC/db_l1": -0.008613534018377424,
    "dC/dw_l1": -0.006890827214701939,
    "new w_l1": 1.5806890827214704,
    "new b_l1": -0.13913864659816227,
    "new w_l2": 2.451433410952623,
    "new b_l2": -0.1081007630517096,
    "new a_l2": 0.8510309824120517,
    "new cost": 0.011095884100559231,
}


def sigmoid(z: float) -> float:
    """The activation, 1 / (1 + exp(-z))."""
    return 1 / (1 + math.exp(-z))


def sigmoid_prime(z: float) -> float:
    """Its slope."""
    return sigmoid(z) * (1 - sigmoid(z))


def by_hand() -> dict[str, float]:
    """The step in plain floats, in the order of the tutorial; w_l2 is the old value where dC/da_l1 needs it."""
    z1 = W1 * X + B1
    a1 = sigmoid(z1)
    z2 = W2 * a1 + B2
    a2 = sigmoid(z2)
    dc_da2 = a2 - Y
    dc_db2 = sigmoid_prime(z2) * dc_da2
    dc_dw2 = a1 * dc_db2
    dc_da1 = W2 * dc_db2
    dc_db1 = sigmoid_prime(z1) * dc_da1
    dc_dw1 = X * dc_db1
    w1, b1, w2, b2 = W1 - STEP * dc_dw1, B1 - STEP * dc_db1, W2 - STEP * dc_dw2, B2 - STEP * dc_db2
    new = sigmoid(w2 * sigmoid(w1 * X + b1) + b2)
    values = [z1, a1, z2, a2, 0.5 * (a2 - Y) ** 2, sigmoid_prime(z1), sigmoid_prime(z2)]
    values += [dc_da2, dc_db2, dc_dw2, dc_da1, dc_db1, dc_dw1, w1, b1, w2, b2, new, 0.5 * (new - Y) ** 2]
    return dict(zip(PRINTED, values, strict=True))


def run(settings: Settings) -> Report:
    """Work the step by hand, then let a network do it."""
    report = Report()
    hand = by_hand()
    for name, value in hand.items():
        report.row(name, value, PRINTED[name], digits=None)
    report.row("numbers equal to the last bit", sum(hand[name] == PRINTED[name] for name in PRINTED), len(PRINTED))

    net = settings.network([1, 1, 1], weights=[[[W1]], [[W2]]], biases=[[B1], [B2]])
    got = {"a_l1": net.feed_forward([X])[1][0], "a_l2": net.predict([X])[0], "cost": net.cost([X], [Y])}
    got |= dict(zip(("dC/dw_l1", "dC/db_l1", "dC/dw_l2", "dC/db_l2"), net.gradient([X], [Y])[1].flat, strict=True))
    net.train([X], [Y], alpha=STEP, epochs=1)
    got |= dict(zip(("new w_l1", "new b_l1", "new w_l2", "new b_l2"), net.parameters, strict=True))
    got |= {"new a_l2": net.predict([X])[0], "new cost": net.cost([X], [Y])}
    report.row("largest difference from the network's own", max(abs(got[name] - hand[name]) for name in got), digits=2)
    report.curves["after the step"] = net
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The network with its weights and biases after the step."""
    samenet.plot.network(report.curves["after the step"], biases=True, numbers=True, ax=figure.add_subplot())


if __name__ == "__main__":
    run_as_script(__file__)
