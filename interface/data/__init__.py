"""Data sets, and what prepares them: one-hot targets, a seeded split, scaling.

Digits, split and scaling are scikit-learn's; `pip install "samenet[data]"` brings it.

Samples are rows, X (m, n_in) and Y (m, n_out), everywhere in samenet. Data with a sample in each column, as in the
second part of tutorial 002, is given transposed, `net.predict(X.T)`, and the answer turned back, `net.predict(X.T).T`;
`.T` copies nothing, the network makes the one copy that it needs.
"""

from samenet.data.images import Digits, digits
from samenet.data.labels import from_one_hot, one_hot
from samenet.data.scaling import standard_scaler
from samenet.data.splitting import Split, split

__all__ = ["Digits", "Split", "digits", "from_one_hot", "one_hot", "split", "standard_scaler"]
