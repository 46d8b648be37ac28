"""scikit-learn, imported where it is needed: `pip install "samenet[data]"` installs it."""

from typing import Any


def scikit_learn() -> Any:
    """The library with the modules that `samenet.data` uses; an ImportError says how to install it."""
    try:
        import sklearn.datasets
        import sklearn.feature_extraction.text
        import sklearn.model_selection
        import sklearn.preprocessing
    except ImportError as error:
        raise ImportError('this needs scikit-learn; install it with: pip install "samenet[data]"') from error
    return sklearn
