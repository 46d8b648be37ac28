"""`python -m samenet.examples`, or `python examples`, is `samenet examples`."""

from samenet.examples.report import run_as_script

if __name__ == "__main__":
    run_as_script(__file__)
