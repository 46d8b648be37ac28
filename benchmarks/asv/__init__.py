"""The asv suite: every cell of the catalogue, one benchmark per operation, over the commits of this repository.

Nothing here has a `setup`, with which asv would time single calls. The timed calls come from a cache instead, which
adds about 0.2 us to each; ratios, where that matters, are measured without it. Versions are pinned, so that rewording a
docstring does not discard the history: increment one when what is measured changes.
"""

import sys
from pathlib import Path

from samenet.compare import environment

if "numpy" not in sys.modules:  # later, it would have no effect
    environment.set_threads(1)
sys.path.append(str(Path(__file__).resolve().parent.parent.parent))  # the repository root, last, for `benchmarks`
