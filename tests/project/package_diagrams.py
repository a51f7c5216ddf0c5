"""Draws which package imports which, from the imports themselves, as Mermaid flowcharts."""

from collections.abc import Iterator
from functools import cache

from grimp import ImportGraph, build_graph

DRAWN = ("flows", "storage", "bot", "bot.desk")
"""The packages that docs/architecture.md draws, one picture each."""


@cache
def import_graph() -> ImportGraph:
    """Return the imports between all modules of the product."""
    return build_graph("bot", "flows", "storage", include_external_packages=False)


def diagrams() -> str:
    """Return every picture with its heading and the list of what is left out of it."""
    return "\n\n".join("\n".join(diagram(package)) for package in DRAWN)


def diagram(package: str) -> Iterator[str]:
    """Give the lines of one package's picture.

    A box is a package below this one. Modules that stand in it directly are three kinds: those
    that no package below imports are drawn as one box at the top; those that import none of the
    packages are named under the picture, as any of them may import these; the rest have a box each.
    """
    children = import_graph().find_children(package)
    below = {child for child in children if import_graph().find_children(child)}
    modules = children - below
    base = {module for module in modules if not used_packages(module) & below}
    top = {module for module in modules - base if not users(module) & below}
    boxes = {module: {module} for module in sorted(below | (modules - base - top))}
    yield f"`{package.replace('.', '/')}/`\n\n```mermaid\nflowchart TD"
    if top:
        yield f'  top["{", ".join(short(module) for module in sorted(top))}"]'
        boxes = {"top": top, **boxes}
    for box, importing in boxes.items():
        imported = set[str]().union(*(used_packages(module) for module in importing))
        arrows = [
            f"  {short(box)} --> {short(to)}" for to in sorted(boxes.keys() & imported - {box})
        ]
        yield from arrows or [f"  {short(box)}"]
    yield "```"
    if base:
        names = ", ".join(f"`{short(module)}`" for module in sorted(base))
        yield f"\nBelow all of these, importing none: {names}."


def used_packages(module: str) -> set[str]:
    """Return what a module, or anything in a package, imports: each module with its packages."""
    graph = import_graph()
    return with_packages(
        imported
        for own in {module} | graph.find_descendants(module)
        for imported in graph.find_modules_directly_imported_by(own)
    )


def users(module: str) -> set[str]:
    """Return what imports a module directly: each module with its packages."""
    return with_packages(import_graph().find_modules_that_directly_import(module))


def with_packages(modules: Iterator[str] | set[str]) -> set[str]:
    """Return modules together with the packages that they are in."""
    return {
        ".".join(parts[:length])
        for parts in (module.split(".") for module in modules)
        for length in range(1, len(parts) + 1)
    }


def short(module: str) -> str:
    """Return the last part of a module's name."""
    return module.rpartition(".")[2]
