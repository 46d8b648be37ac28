"""Makes `import benchmarks` work in tests: it is not installed, and the repository root stays off sys.path."""

import importlib.util
import sys
from pathlib import Path

if "benchmarks" not in sys.modules:
    _place = Path(__file__).resolve().parent.parent / "benchmarks" / "__init__.py"
    _spec = importlib.util.spec_from_file_location("benchmarks", _place)
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules["benchmarks"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["benchmarks"])
