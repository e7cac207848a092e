"""Ratios of measurements. Above 1, pith is faster or takes less memory."""

import dataclasses
import statistics


@dataclasses.dataclass
class Spread:
    median: float
    low: float
    high: float


def spread_of(values):
    """Returns None for no values."""
    if not values:
        return None
    return Spread(statistics.median(values), min(values), max(values))


def known(values):
    return [value for value in values if value is not None]


def ratios_of(ours, theirs):
    """Divides round by round where both have a value, since a disturbance in a round affects both."""
    return [a / b for a, b in zip(ours, theirs) if a is not None and b is not None]


@dataclasses.dataclass
class SpeedLine:
    """One of pith's settings compared with a peer's best at one quantity."""

    kind: str
    depth: int
    setting: str
    peer_setting: str
    rate: Spread
    peer_rate: Spread
    ratio: Spread
    rates: list
    peer_rates: list


@dataclasses.dataclass
class MemoryLine:
    """Peak bytes of one of pith's settings and one of the peer's; the ratio is the peer's to pith's."""

    setting: str
    peer_setting: str
    peak_bytes: Spread
    peer_peak_bytes: Spread
    ratio: Spread


def speed_lines(ours, peer, workload):
    lines = []
    for kind, depth in workload.quantities():
        theirs = peer.entry_for((kind, depth))
        for entry in ours if theirs else ():
            rates, peer_rates = entry.rates[kind, depth], theirs.rates[kind, depth]
            spreads = [spread_of(known(rates)), spread_of(known(peer_rates)), spread_of(ratios_of(rates, peer_rates))]
            if None in spreads:
                continue
            lines.append(
                SpeedLine(kind, depth, entry.setting.name, theirs.setting.name, *spreads, list(rates), list(peer_rates))
            )
    return lines


def memory_lines(ours, peer):
    lines = []
    for entry in ours:
        for theirs in peer.entries:
            lines.append(
                MemoryLine(
                    entry.setting.name,
                    theirs.setting.name,
                    spread_of(entry.peak_bytes),
                    spread_of(theirs.peak_bytes),
                    spread_of(ratios_of(theirs.peak_bytes, entry.peak_bytes)),
                )
            )
    return lines
