"""What a network is: sizes, activations, cost, penalties, dtype, and one flat vector of all weights and biases.

model.py        `Model`: backends, optimizers, stop rules, training and testing work on it
attributes.py   `HasModel`: a network's attributes that come from its model
parameters.py   `Parameters`: the flat vector, with a view of each layer's weights and biases
functions.py    the names of activations and costs, and which belong together
initialize.py   initial weights
"""

from samenet.model.attributes import HasModel as HasModel
from samenet.model.model import Model as Model
