"""The mistakes that the suite is known to catch: mutants of the NumPy backend, by the part that catches them.

NOT_CAUGHT has, for each level, the pairs (part, mutant) that pass: the mutants that this part of the suite misses.
"""

from samenet.testing.mistakes import behaviour, epochs, gradient, masks, predictions, rules, sizes

_KINDS = predictions, gradient, masks, rules, epochs, behaviour, sizes
MUTANTS = tuple(mutant for kind in _KINDS for mutant in kind.MUTANTS)
NOT_CAUGHT: dict[str, frozenset[tuple[str, str]]] = {
    "standard": frozenset({("adaptive sampling", "sampling: without a least")}),
    "thorough": frozenset(),
}
