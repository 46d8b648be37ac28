"""Networks from other libraries: `samenet.from_torch(module)` and `samenet.from_keras(model)`, fitted weights and all.

Neither library is imported: who has a module of one has imported it. For scikit-learn's own estimators, there is
`samenet.MLPClassifier.from_sklearn`.
"""

from samenet.storage.conversion.keras_model import from_keras
from samenet.storage.conversion.torch_module import from_torch

__all__ = ["from_keras", "from_torch"]
