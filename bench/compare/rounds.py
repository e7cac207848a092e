"""The order of runs: a first pass finds each peer's best settings, then all take turns in rounds."""

import dataclasses

from contestant import Failure


@dataclasses.dataclass
class Entry:
    """A contestant with one of its settings, and its results: one value per round, None where it failed."""

    contestant: object
    setting: object
    rates: dict = dataclasses.field(default_factory=dict)
    peak_bytes: list = dataclasses.field(default_factory=list)

    @property
    def label(self):
        return f"{self.contestant.name} ({self.setting.name})"

    def add(self, outcome, workload):
        for quantity in workload.quantities():
            self.rates.setdefault(quantity, []).append(outcome.rates.get(quantity))
        self.peak_bytes.append(outcome.peak_bytes)


@dataclasses.dataclass
class Peer:
    """A peer, with the setting that was best at each quantity."""

    contestant: object
    best: dict
    entries: list

    def entry_for(self, quantity):
        setting = self.best.get(quantity)
        return next((entry for entry in self.entries if entry.setting == setting), None)


def screening_workload(workload):
    """Reduces a workload to the smallest and the largest depth."""
    return dataclasses.replace(workload, depths=tuple(sorted({min(workload.depths), max(workload.depths)})))


def screen(contestant, workload, say, only=None):
    """Runs every setting once; returns the best by quantity. Depths in between use the nearest one that was tried.
    `only`: texts, one of which the name of a setting must contain; None: all settings."""
    short = screening_workload(workload)
    outcomes = {}
    for setting in contestant.settings():
        if only and not any(text in setting.name for text in only):
            continue
        try:
            outcomes[setting] = contestant.run(setting, short)
        except Failure as failure:
            say(f"{contestant.name} ({setting.name}) does not run: {failure}")
            continue
        say(f"{contestant.name} ({setting.name}): {rates_text(outcomes[setting].rates)}")
    if not outcomes:
        raise Failure(f"{contestant.name}: no setting runs")
    best = {}
    for kind, depth in workload.quantities():
        nearest = min(short.depths, key=lambda tried: abs(tried - depth))
        able = [setting for setting, outcome in outcomes.items() if (kind, nearest) in outcome.rates]
        if able:
            best[kind, depth] = max(able, key=lambda setting: outcomes[setting].rates[kind, nearest])
    return best


def make_peer(contestant, workload, say, only=None):
    best = screen(contestant, workload, say, only)
    settings = []
    for setting in best.values():
        if setting not in settings:
            settings.append(setting)
    return Peer(contestant, best, [Entry(contestant, setting) for setting in settings])


def run_rounds(entries, workload, rounds, say):
    """Runs all entries once per round, every other round backwards, so that the order does not matter."""
    for number in range(rounds):
        for entry in entries if number % 2 == 0 else reversed(entries):
            outcome = entry.contestant.run(entry.setting, workload)
            entry.add(outcome, workload)
            say(f"round {number + 1} of {rounds}, {entry.label}: {rates_text(outcome.rates)}")


def rates_text(rates):
    return ", ".join(f"{kind} at {depth} {rate:.1f}/s" for (kind, depth), rate in sorted(rates.items()))
