"""Letters and words as inputs of a network: the two encodings that tutorial 000 describes."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samenet.data.labels import one_hot
from samenet.data.library import scikit_learn
from samenet.validation import checks

_WORD = r"(?u)\b\w+\b"  # scikit-learn's default pattern skips words of one letter


def letter_one_hot(text: str) -> NDArray[np.float64]:
    """Letters a to z, lower or upper case, as rows of zeros with a single one, (len(text), 26).

    >>> letter_one_hot("Ac")[:, :4]
    array([[1., 0., 0., 0.],
           [0., 0., 1., 0.]])
    """
    if not isinstance(text, str):
        raise TypeError(f"text: expected letters in one str, got {checks.short(text)} ({type(text).__name__})")
    for place, letter in enumerate(text):
        if not (letter.isascii() and letter.isalpha()):
            raise ValueError(f"text: expected letters from a to z, got {letter!r} at place {place}")
    return one_hot([ord(letter) - ord("a") for letter in text.lower()], 26)


def word_counts(texts: Sequence[str], vocabulary: Sequence[str]) -> NDArray[np.float64]:
    """How often each word of the vocabulary occurs in each text, (len(texts), len(vocabulary)).

    By scikit-learn's `CountVectorizer`; case is ignored, and words outside the vocabulary do not count.

    >>> word_counts(["Buy now, buy cheap!", "See you"], ["buy", "cheap", "you"])
    array([[2., 1., 0.],
           [0., 0., 1.]])
    """
    words = [word.lower() for word in _strings("vocabulary", vocabulary)]
    if not words:
        raise ValueError("vocabulary: expected at least one word, got none")
    for i, word in enumerate(words):
        if not re.fullmatch(_WORD, word):
            raise ValueError(f"vocabulary[{i}]: expected a single word, got {checks.short(word)}")
        if word in words[:i]:
            raise ValueError(f"vocabulary[{i}]: expected words that differ, got {word!r} again")
    counter = scikit_learn().feature_extraction.text.CountVectorizer(vocabulary=words, token_pattern=_WORD)
    documents = _strings("texts", texts)
    return np.asarray(counter.transform(documents).toarray(), np.float64)


def _strings(name: str, values: Sequence[str]) -> list[str]:
    given = checks.listed(name, values, "a list of str")
    for i, value in enumerate(given):
        if not isinstance(value, str):
            raise TypeError(f"{name}[{i}]: expected str, got {checks.short(value)} ({type(value).__name__})")
    return given
