"""`samenet check` of a saved network."""

import json as as_json
import sys
from pathlib import Path
from typing import Any

from samenet.backends import backends, known_backends


def run(model: Path, names: list[str] | None, json: bool) -> int:
    """Check a network on the named backends, or on all that can be imported, and print the findings."""
    from rich.table import Table

    from samenet.backends import missing
    from samenet.cli.tabular.files import read
    from samenet.output.console import console as standard_output
    from samenet.output.console import print_table
    from samenet.storage.loading import network_of
    from samenet.testing.networks import MOST_PARAMETERS, check_networks

    wanted = [name for name in known_backends() if name in (names or backends())]
    left_out = missing(wanted)
    if names and left_out:
        raise ImportError("; ".join(left_out.values()))
    found, _ = read(model)
    networks = {n: network_of(found, n) for n in dict.fromkeys(("reference", *wanted)) if n not in left_out}
    results = {name: one for name, one in check_networks(networks).items() if name in wanted}
    failed = [name for name, one in results.items() if not one.ok]
    sizes = "-".join(map(str, found.sizes))
    if json:
        rows = {name: _told(one) for name, one in results.items()}
        told = {"network": sizes, "parameters": found.parameters.size, "backends": rows, "left_out": left_out}
        print(as_json.dumps(told | {"ok": not failed}, indent=1, allow_nan=False))
    else:
        console = standard_output()
        print(f"{model.name}: {sizes}, {found.parameters.size} parameters, {found.dtype}")
        table = Table(box=None, padding=(0, 1, 0, 0))
        for heading in ("", "outputs", "gradient", "finite differences", ""):
            table.add_column(heading, no_wrap=True)
        for name, one in results.items():
            against = "" if one.slopes is None else f"relative error {one.slopes.relative_error:.1e}"
            table.add_row(name, str(one.outputs), str(one.gradient), against, "ok" if one.ok else "FAIL")
        print_table(console, table)
        print("outputs, gradient: the largest error relative to the reference, divided by its bound.")
        if found.parameters.size > MOST_PARAMETERS:
            print(
                "The check against finite differences is left out: "
                f"it takes long for more than {MOST_PARAMETERS} parameters."
            )
        for reason in left_out.values():
            print(f"left out: {reason}")
    for name in failed:
        print(f"samenet check: failed: {name}", file=sys.stderr)
        slopes = results[name].slopes
        if slopes is not None and not slopes.ok:
            print(slopes, file=sys.stderr)
    return 1 if failed else 0


def _told(one: Any) -> dict[str, Any]:
    import math

    def ratio(comparison: Any) -> dict[str, Any]:
        worst = comparison.ratio if math.isfinite(comparison.ratio) else None
        return {"ok": comparison.ok, "observed_by_allowed": worst}

    slopes = None
    if one.slopes is not None:
        relative = float(one.slopes.relative_error)
        slopes = {"ok": one.slopes.ok, "relative_error": relative if math.isfinite(relative) else None}
    return {"ok": one.ok, "outputs": ratio(one.outputs), "gradient": ratio(one.gradient), "differences": slopes}
