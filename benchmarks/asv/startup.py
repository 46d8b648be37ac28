"""The cost of a new process: seconds to import, seconds of first calls, peak memory in MiB."""

import samenet
from benchmarks import fresh

_NAMES = list(samenet.backends())
_CALLS = ["import", "predict", "predict one", "gradient", "train"]


class _Startup:
    version = "1"
    timeout = 60.0
    params, param_names = (_NAMES,), ("backend",)

    def setup_cache(self):
        """Measure everything at once; asv runs this once for all classes."""
        return fresh.of_backends(repeats=3)

    setup_cache.timeout = 600.0


class Import(_Startup):
    unit = "seconds"

    def track_seconds(self, measured, backend):
        return measured["import_seconds"][backend]


class FirstCall(_Startup):
    params, param_names = (_NAMES, _CALLS, ["cold", "warm"]), ("backend", "call", "state")
    unit = "seconds"

    def track_seconds(self, measured, backend, call, state):
        return measured["first_calls"][backend][state][call]


class PeakMemory(_Startup):
    unit = "MiB"

    def track_mebibytes(self, measured, backend):
        return measured["peak_mebibytes"][backend]
