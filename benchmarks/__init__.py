"""Benchmarks and their report. One command, run from the repository root; nothing here is installed.

    python -m benchmarks run | report | peers | techniques | estimators | calls | matrix

Reading order:

    catalogue.py    every case that is measured, and the contenders of `run`; kinds.py, kinds of settings; draw.py,
                    settings drawn at random
    measure.py      how everything is measured: check, interleave, repeat in new processes, give an interval
    run.py          the comparison of samenet's backends; growth.py, how they scale; fresh.py, the cost of a new process
    problem.py      a library-independent task; expected.py, the check of an answer; inputs.py, the data
    contenders/     one file for each library that samenet is compared with; by_address.py, calls of C libraries; peers/
                    measures them; limits.py, what the machine could do at best
    techniques/     what each technique of the Numba backend gains
    estimators.py   the estimators beside scikit-learn's own
    calls.py        what Python takes in front of the compiled kernels
    report/         model, tables, figures, and the text generated from them
    asv/, pytest/   the suites for asv and for pytest-benchmark, which read the same catalogue
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
