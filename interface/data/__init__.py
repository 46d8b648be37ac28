"""Data sets and their preparation: one-hot targets, seeded splits, scaling, text as numbers.

The digits, splits, scaling and word counts use scikit-learn, which `pip install "samenet[data]"` installs.

Samples are rows, X (m, n_in) and Y (m, n_out), everywhere in samenet. If your data has a sample in each column, as in
the second article of tutorial 002, pass it transposed and transpose the result: `net.predict(X.T).T`. `.T` copies
nothing; the network makes the one copy that it needs.
"""

from samenet.data.idx import read_idx
from samenet.data.images import Digits, digits, random_images
from samenet.data.labels import from_one_hot, one_hot
from samenet.data.mnist_loader import mnist
from samenet.data.scaling import constant_scaler, max_scaler, standard_scaler
from samenet.data.splitting import Parts, Split, split, three_way_split
from samenet.data.tables import Scores, Table, first3, opposites, or_, scores, xor, xor3
from samenet.data.text import letter_one_hot, word_counts

__all__ = [
    "Digits",
    "Parts",
    "Scores",
    "Split",
    "Table",
    "constant_scaler",
    "digits",
    "first3",
    "from_one_hot",
    "letter_one_hot",
    "max_scaler",
    "mnist",
    "one_hot",
    "opposites",
    "or_",
    "random_images",
    "read_idx",
    "scores",
    "split",
    "standard_scaler",
    "three_way_split",
    "word_counts",
    "xor",
    "xor3",
]
