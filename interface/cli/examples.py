"""`samenet examples`."""

import json as as_json
from pathlib import Path
from typing import Annotated

import typer

from samenet.cli import replacing, values
from samenet.cli.backend import Fastest, chosen


def examples(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which one to run.")] = None,
    file: Annotated[
        Path | None,
        typer.Argument(
            parser=values.notebook,
            metavar="[FILE]",
            help="The name of the notebook for --notebook.  [default: NAME.ipynb]",
        ),
    ] = None,
    backend: Fastest = None,
    quick: Annotated[bool, typer.Option("--quick", help="A short run, as a smoke test.")] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            parser=values.seed, metavar="N", help="The seed of the random numbers.  [default: the tutorial's]"
        ),
    ] = None,
    rounding: Annotated[
        bool,
        typer.Option("--rounding", help="Run it twice, and show which numbers depend on rounding."),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the numbers, or the list, as JSON and nothing else.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(parser=values.picture, metavar="FILE", help="Draw the example's figure (png, svg or pdf)."),
    ] = None,
    notebook: Annotated[
        bool,
        typer.Option("--notebook", help="Write a Jupyter notebook of the example, or of a tutorial: 000 to 004."),
    ] = False,
    gallery: Annotated[
        Path | None,
        typer.Option(
            parser=values.folder, metavar="FOLDER", help="Run all examples, and write their tables and figures there."
        ),
    ] = None,
    force: replacing.Force = False,
) -> int:
    """Run the tutorials' experiments; without a name, list them."""
    from samenet import examples
    from samenet.output import figures
    from samenet.output.console import Console
    from samenet.output.console import console as standard_output

    options = {"--backend": backend, "--quick": quick, "--seed": seed, "--plot": plot, "--rounding": rounding}
    options |= {"--notebook": notebook}
    if file is not None and not notebook:
        raise values.refusal("a file name needs --notebook")
    if force and not (plot or notebook or gallery):
        raise values.refusal("--force needs --plot, --notebook or --gallery")
    console = standard_output()
    known = examples.examples()
    if gallery is not None:
        alone = {
            "NAME": name,
            "--notebook": notebook,
            "--json": json,
            "--plot": plot,
            "--seed": seed,
            "--rounding": rounding,
        }
        if given := values.given(alone):
            why = "--gallery runs every example with its own seed; it takes only --backend and --quick"
            raise values.refusal(f"{given}: {why}")
        from samenet.examples import gallery as galleries

        replacing.check_new("--gallery", gallery / "README.md", force)
        galleries.write(gallery, chosen(backend), quick)
        return 0
    if name is None:
        if given := values.given(options):
            raise values.refusal(f"{given} needs the name of an example")
        if json:
            print(as_json.dumps([example.about() for example in known.values()], indent=1))
        for example in [] if json else known.values():
            console.print(f"[bold]{example.name:{max(map(len, known))}}[/]  {example.shows}")
        return 0
    if notebook:
        if given := values.given({"--json": json, "--plot": plot, "--rounding": rounding}):
            raise values.refusal(f"{given}: --notebook writes a notebook; it takes only --backend, --quick and --seed")
        return _write_notebook(name, file, backend, quick, seed, force)
    try:
        example = examples.find(name)
    except ValueError as error:
        raise values.refusal(f"NAME: {str(error).partition(': ')[2]}") from None
    if plot:
        replacing.check_new("--plot", plot, force)
        figures.load_matplotlib()  # so that a missing matplotlib is reported before the wait
        if not example.has_figure:
            raise values.refusal(f"--plot: {example.name} has no figure")
    used, stream = chosen(backend), example.seed if seed is None else seed
    with Console(stderr=True).status(example.name):
        report = example.run(used, quick, stream)
        if rounding:
            report.beside(example.run(used, quick, stream, moved=True))
    if plot:
        example.draw(report, plot)
    if json:
        about = example.about() | {"backend": used, "quick": quick, "seed": stream}
        print(as_json.dumps(about | report.as_json(), indent=1, allow_nan=False))
    else:
        console.print(example.shows, markup=False)
        report.print(console)
    return 0


def _write_notebook(
    name: str, file: Path | None, backend: str | None, quick: bool, seed: int | None, force: bool
) -> int:
    from samenet import examples
    from samenet.examples import notebooks
    from samenet.output.console import console

    if name in notebooks.tutorials():
        if given := values.given({"--backend": backend, "--quick": quick, "--seed": seed}):
            raise values.refusal(f"{given} needs the name of an example; {name} is a tutorial's notebook")
        content = notebooks.of_tutorial(name)
    else:
        try:
            example = examples.find(name)
        except ValueError as error:
            others = f"or of a tutorial, {', '.join(notebooks.tutorials())}"
            raise values.refusal(f"NAME: {str(error).partition(': ')[2]}; {others}") from None
        name = example.name
        content = notebooks.of_example(example, chosen(backend), quick, example.seed if seed is None else seed)
    path = file or values.writable(f"{name}.ipynb")
    replacing.check_new("FILE", path, force)
    notebooks.write(path, content)
    console().print(str(path), markup=False, highlight=False, soft_wrap=True)
    return 0
