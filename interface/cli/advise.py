"""`samenet advise`."""

import json as as_json
import sys
from typing import Annotated, Any

import typer

from samenet import backends
from samenet.cli import values


def advise(
    sizes: Annotated[
        Any,
        typer.Argument(
            parser=values.sizes, metavar="SIZES", help="The sizes of all layers, the input first: 784-30-10."
        ),
    ],
    batch: Annotated[
        list[Any] | None,
        typer.Option(parser=values.positive, metavar="M", help="Batch sizes, one or several.  [default: 1 8 64 512]"),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure again, even if a result is stored.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the measurements as JSON and nothing else.")] = False,
) -> int:
    """Say which backend is the fastest for a network on this machine.

    Measures briefly, ranks the backends for each batch size, and says at which batch size another one becomes the
    fastest, and after how many calls Numba has made up for compiling. The result is stored until a version or the
    machine changes.
    """
    from samenet.backends import missing
    from samenet.compare import advice
    from samenet.output.console import Console

    left_out = missing(backends())
    names = [name for name in backends() if name not in left_out]
    batches = sorted(set(batch or (1, 8, 64, 512)))
    try:
        with Console(stderr=True).status("measuring"):
            told, path = advice.advice(sizes, batches, names, again)
    except (MemoryError, OverflowError, ValueError) as error:
        raise MemoryError(f"SIZES, --batch: expected networks and batches that fit in memory ({error})") from None
    for reason in left_out.values():
        print(f"samenet advise: note: left out: {reason}", file=sys.stderr)
    crossings, pays = advice.crossings(told), advice.pays(told)
    file = None if path is None else str(path)
    if json:
        print(as_json.dumps(told | {"crossings": crossings, "pays": pays, "file": file}, indent=1, allow_nan=False))
        return 0
    _print(told, crossings, pays)
    day = told["utc"].partition("T")[0]
    kept = "" if file is None or told["remembered"] else f", kept in {file}"
    print(f"\nMeasured on {day}{'; --again measures it again' if told['remembered'] else kept}.")
    return 0


def _print(told: dict[str, Any], crossings: list[dict[str, Any]], pays: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from samenet.output.console import console as standard_output
    from samenet.output.console import print_table
    from samenet.output.formats import digits, duration

    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("", "batch", "1st", "", "2nd", "", "3rd", ""):
        table.add_column(heading, no_wrap=True, justify="right" if heading == "batch" else "left")
    for row in told["rows"]:
        cells = [cell for name, seconds in row["seconds"].items() for cell in (name, duration(seconds))]
        table.add_row(row["operation"], str(row["batch"]), *cells)
    print_table(standard_output(), table)
    print("The reference was measured for one sample.\n")
    for one in crossings:
        print(
            f"{one['operation']}: {one['to']} overtakes {one['from']} between batches {one['after']} and {one['by']}."
        )
    if not crossings:
        print("In none of these batches does another backend overtake the fastest.")
    if told["first_calls"]:
        first = {when: sum(seconds.values()) for when, seconds in told["first_calls"].items()}
        compiling, loading = digits(first["compiling"]), digits(first["loading"])
        print(
            f"Numba compiles for {compiling} s once; later processes load its kernels in {loading} s. That pays after"
        )
    for one in pays:
        if one["compiling"] is None:
            print(f"  {one['operation']}, batch {one['batch']}: never, {one['against']} is faster")
        else:
            calls = f"{one['compiling']:,} calls, or {one['loading']:,} once compiled"
            print(f"  {one['operation']}, batch {one['batch']}: {calls}, against {one['against']}")
