"""What is measured, and what is told of it. One command, from the root of the repository; nothing here is installed.

    python -m benchmarks run | report | peers | techniques | matrix

To read, in this order:

    catalogue.py    every case that anything here measures, and the contenders of `run`
    measure.py      how all of it is measured: check, take turns, repeat the process, give an interval
    run.py          the comparison of samenet's backends; growth.py, its lines; fresh.py, what a new process pays
    problem.py      a task in terms that no library owns; expected.py, the check of an answer; inputs.py, their numbers
    contenders/     one file for each library that is set beside samenet; peers/ measures them
    techniques/     what each technique of the Numba backend gains
    report/         model, tables, figures, and the texts that are made of them
    asv/, pytest/   the suites for asv and for pytest-benchmark, which read the same catalogue
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
