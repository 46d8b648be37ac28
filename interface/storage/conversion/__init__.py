"""Networks from other libraries: `samenet.from_torch(module)` and `samenet.from_keras(model)`, with trained weights.

Neither library is imported here, because a caller that has a model has already imported it. For scikit-learn's own
estimators, use `samenet.MLPClassifier.from_sklearn`.
"""

from samenet.storage.conversion.keras_model import from_keras
from samenet.storage.conversion.torch_module import from_torch

__all__ = ["from_keras", "from_torch"]
