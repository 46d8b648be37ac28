"""The suite for asv: every cell of the list, one benchmark an operation, over the commits of this repository.

Nothing here has a `setup`: asv would then time one call at a time. What is timed comes from a cache instead, which adds
about 0.2 us to a call; ratios, where that matters, are measured without it. Versions are pinned, so that another
wording of a docstring does not throw the history away: raise one when what is measured changes.
"""

import sys
from pathlib import Path

from samenet.compare import environment

if "numpy" not in sys.modules:  # later, it would have no effect
    environment.set_threads(1)
sys.path.append(str(Path(__file__).resolve().parent.parent.parent))  # the root, last: `benchmarks` is there
