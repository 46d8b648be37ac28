"""Pictures of networks and of their training: `pip install "samenet[plot]"` installs matplotlib.

    samenet.plot.history(net.train(X, Y, alpha=0.5, epochs=100))    # curves over the epochs
    samenet.plot.network(net, ax=axes)                              # nodes and weights, on axes of your own
    samenet.plot.confusion_matrix(y, net.classify(X)).figure.savefig("confusion.pdf")

==================  ==================================================================================
history             curves of training and validation
network             a circle for each node, a line for each weight
digits              images in a grid, each with its class and the predicted one
confusion_matrix    the number of samples for each true and predicted class
activations         the activations of hidden layers, sample by sample
error_surface       the cost over one or two weights, with the path of a descent
times, speed_ups    bars on a logarithmic axis
heat_map            ratios by two numbers, in colours that diverge at 1
==================  ==================================================================================

Each function draws on `ax`, matplotlib axes, and returns them. Without `ax`, it draws on a new figure with 12 point
type, which can be printed at half its size. No figure is shown, and pyplot's state is not changed; in a notebook or for
`pyplot.show`, pass `ax=pyplot.gca()`. Nothing is shown by colour alone; colours are those of Okabe and Ito, or maps
that colour-blind readers can read, too. Raises ValueError or TypeError, naming the argument, before anything is drawn.
"""

from samenet.output.figures import load_matplotlib

load_matplotlib()

from samenet.study.plot.bars import speed_ups, times  # noqa: E402
from samenet.study.plot.classes import confusion_matrix, digits  # noqa: E402
from samenet.study.plot.curves import history  # noqa: E402
from samenet.study.plot.layers import activations  # noqa: E402
from samenet.study.plot.nodes import network  # noqa: E402
from samenet.study.plot.ratios import heat_map  # noqa: E402
from samenet.study.plot.surface import error_surface  # noqa: E402

__all__ = [
    "activations",
    "confusion_matrix",
    "digits",
    "error_surface",
    "heat_map",
    "history",
    "network",
    "speed_ups",
    "times",
]
