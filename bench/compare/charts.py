"""Draws tokens per second by depth. The only part that needs matplotlib."""

from contestant import Failure


def load_figure_class():
    """Returns matplotlib's Figure. Raises Failure if it is missing, which is checked before hours of work."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise Failure("--plot needs the Python package matplotlib") from error
    return Figure


def curves(comparisons):
    """Returns {kind: {engine and setting: [(depth, spread of its rate)]}}. A peer's curve has its best setting at each
    depth, and so the peer's name only. pith's rates are the same against every peer."""
    by_kind = {}
    for description, speed, _ in comparisons:
        peer = description.split(":")[0]
        for line in speed:
            curves_of_kind = by_kind.setdefault(line.kind, {})
            for name, rate in ((f"pith, {line.setting}", line.rate), (peer, line.peer_rate)):
                curves_of_kind.setdefault(name, {})[line.depth] = rate
    return {
        kind: {name: sorted(points.items()) for name, points in named.items()} for kind, named in by_kind.items()
    }


def draw(figure_class, path, title, comparisons):
    """Draws a panel for prompts and one for decoding; bars show the least and the largest of all rounds. matplotlib
    chooses the format by the extension. Raises Failure if the file cannot be written."""
    by_kind = curves(comparisons)
    figure = figure_class(figsize=(6 * max(len(by_kind), 1), 4.5), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(1, max(len(by_kind), 1), squeeze=False)[0]
    for panel, (kind, named) in zip(panels, by_kind.items()):
        for name, points in named.items():
            depths = [depth for depth, _ in points]
            medians = [rate.median for _, rate in points]
            below = [rate.median - rate.low for _, rate in points]
            above = [rate.high - rate.median for _, rate in points]
            panel.errorbar(depths, medians, yerr=[below, above], marker="o", capsize=3, label=name)
        panel.set_title(kind)
        panel.set_xlabel("tokens in the context before")
        panel.set_ylabel("tokens/s")
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
        panel.legend()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise Failure(f"{path}: cannot write: {error}") from error
