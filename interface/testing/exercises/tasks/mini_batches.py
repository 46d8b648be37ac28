"""Mini-batches: which samples each update of an epoch uses.

In one epoch every sample is used once, in a given order, `batch_size` samples for each update. If they do not divide
evenly, the last batch is smaller; it is used, too.

Write `batches(order, batch_size)`: order is an array of row numbers, such as [3, 0, 4, 1, 2]; it returns a list of
arrays:

    batches(np.array([3, 0, 4, 1, 2]), 2)  is  [array([3, 0]), array([4, 1]), array([2])]
"""


def batches(order, batch_size):
    raise NotImplementedError
