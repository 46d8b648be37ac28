"""Estimators for scikit-learn: `samenet.MLPClassifier` and `samenet.MLPRegressor`.

They have the parameters, attributes and arithmetic of scikit-learn's own estimators, on any backend. Read `base`,
`settings`, `descent`, `steps`, in this order. `pip install "samenet[estimators]"` installs scikit-learn.
"""

try:
    import sklearn.utils.validation
except ImportError as error:
    raise ImportError('this needs scikit-learn; install it with: pip install "samenet[estimators]"') from error
if not hasattr(sklearn.utils.validation, "validate_data"):
    raise ImportError(f"this needs scikit-learn 1.6 or newer, and {sklearn.__version__} is installed")

from samenet.estimators.classifier import MLPClassifier
from samenet.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
