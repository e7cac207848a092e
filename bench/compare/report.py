"""Prints results as aligned tables, Markdown or JSON."""

import dataclasses
import json

SPEED_TITLES = ["what", "depth", "pith", "tokens/s", "peer's best", "tokens/s", "ratio", "least", "most"]
MEMORY_TITLES = ["pith", "peak MiB", "peer", "peak MiB", "ratio", "least", "most"]
MEBIBYTE = 1024 * 1024


def speed_rows(lines):
    return [
        [line.kind, str(line.depth), line.setting, f"{line.rate.median:.1f}", line.peer_setting]
        + [f"{line.peer_rate.median:.1f}"]
        + ratio_cells(line.ratio)
        for line in lines
    ]


def memory_rows(lines):
    return [
        [line.setting, f"{line.peak_bytes.median / MEBIBYTE:.1f}", line.peer_setting]
        + [f"{line.peer_peak_bytes.median / MEBIBYTE:.1f}"]
        + ratio_cells(line.ratio)
        for line in lines
    ]


def ratio_cells(ratio):
    return [f"{ratio.median:.2f}", f"{ratio.low:.2f}", f"{ratio.high:.2f}"]


def is_number(cell):
    return cell.replace(".", "", 1).isdigit()


def grid(titles, rows, markdown):
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]

    def line(cells):
        padded = [c.rjust(w) if is_number(c) else c.ljust(w) for c, w in zip(cells, widths)]
        return f"| {' | '.join(padded)} |" if markdown else "  ".join(padded).rstrip()

    rule = [line(["-" * width for width in widths])] if markdown else []
    return "\n".join([line(titles), *rule, *map(line, rows)]) + "\n"


def text_report(head, comparisons, markdown):
    """`comparisons`: (description of the peer, speed lines, memory lines)."""
    parts = [head + "\n"]
    for description, speed, memory in comparisons:
        title = f"against {description}"
        parts.append(f"### {title}\n" if markdown else f"{title}\n")
        parts.append(grid(SPEED_TITLES, speed_rows(speed), markdown))
        parts.append(grid(MEMORY_TITLES, memory_rows(memory), markdown))
    return "\n".join(parts)


def json_report(workload, rounds, pith, comparisons):
    result = {"workload": dataclasses.asdict(workload), "rounds": rounds, "pith": pith, "peers": []}
    for description, speed, memory in comparisons:
        result["peers"].append(
            {
                "peer": description,
                "speed": [dataclasses.asdict(line) for line in speed],
                "memory": [dataclasses.asdict(line) for line in memory],
            }
        )
    return json.dumps(result) + "\n"
