"""Tests of bench/compare: arithmetic, order, and parsing of output. Nothing is timed, and no engine is needed."""

import json
import os
import pathlib
import stat
import sys
import tempfile
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench" / "compare"))

import charts  # noqa: E402
import compare  # noqa: E402
import figures  # noqa: E402
import report  # noqa: E402
import rounds  # noqa: E402
from contestant import DECODE, PROMPT, Contestant, Failure, Outcome, Setting, Workload, run_process  # noqa: E402
from contestants import LlamaBench, LlamaCppPython, OpenVinoGenAi, Pith  # noqa: E402
from contestants import llama_bench, pith, worker  # noqa: E402

WORKLOAD = Workload("model.gguf", 2, 512, 32, (0, 4096))


def silent(_):
    pass


class Fake(Contestant):
    """Returns results from a function of the setting's name and the number of the run."""

    def __init__(self, name, answers, log=None):
        self.name = name
        self.answers = answers
        self.log = log if log is not None else []
        self.runs = {}

    def describe(self):
        return f"fake {self.name}"

    def settings(self):
        return [Setting(name) for name in self.answers]

    def run(self, setting, workload):
        self.log.append(f"{self.name}.{setting.name}")
        number = self.runs.get(setting.name, 0)
        self.runs[setting.name] = number + 1
        answer = self.answers[setting.name](number, workload)
        if isinstance(answer, Failure):
            raise answer
        return answer


def same_rate(rate, peak_bytes=100):
    return lambda _, workload: Outcome({quantity: rate for quantity in workload.quantities()}, peak_bytes)


class Figures(unittest.TestCase):
    def test_spread(self):
        self.assertEqual(figures.spread_of([3, 1, 2]), figures.Spread(2, 1, 3))
        self.assertEqual(figures.spread_of([4, 1]), figures.Spread(2.5, 1, 4))
        self.assertIsNone(figures.spread_of([]))

    def test_ratios_are_taken_round_by_round(self):
        self.assertEqual(figures.ratios_of([10, 30, None, 8], [5, 10, 1, None]), [2, 3])

    def test_lines_of_speed_and_memory(self):
        # Both slow down in the second round, so their ratio does not change.
        ours = Fake("pith", {"int4": lambda n, w: Outcome({q: 90 / (n + 1) for q in w.quantities()}, 50 + 10 * n)})
        theirs = Fake("peer", {"f16": lambda n, w: Outcome({q: 30 / (n + 1) for q in w.quantities()}, 200)})
        entry = rounds.Entry(ours, Setting("int4"))
        peer = rounds.Peer(theirs, {q: Setting("f16") for q in WORKLOAD.quantities()}, [])
        peer.entries.append(rounds.Entry(theirs, Setting("f16")))
        rounds.run_rounds([entry, *peer.entries], WORKLOAD, 2, silent)
        lines = figures.speed_lines([entry], peer, WORKLOAD)
        self.assertEqual([(line.kind, line.depth) for line in lines], WORKLOAD.quantities())
        for line in lines:
            self.assertEqual(line.ratio, figures.Spread(3, 3, 3))
            self.assertEqual(line.rate, figures.Spread(67.5, 45, 90))
            self.assertEqual(line.peer_rates, [30, 15])
        (memory,) = figures.memory_lines([entry], peer)
        self.assertEqual(memory.peak_bytes.median, 55)
        self.assertEqual((memory.ratio.low, memory.ratio.high), (200 / 60, 4))

    def test_what_a_peer_cannot_measure_has_no_line(self):
        ours = rounds.Entry(Fake("pith", {"int4": same_rate(2)}), Setting("int4"))
        partial = Fake("peer", {"f16": lambda n, w: Outcome({(DECODE, 0): 4}, 1)})
        peer = rounds.make_peer(partial, WORKLOAD, silent)
        rounds.run_rounds([ours, *peer.entries], WORKLOAD, 1, silent)
        (line,) = figures.speed_lines([ours], peer, WORKLOAD)
        self.assertEqual((line.kind, line.depth, line.ratio.median), (DECODE, 0, 0.5))


class Rounds(unittest.TestCase):
    def test_all_take_turns_and_every_other_round_runs_backwards(self):
        log = []
        ours = Fake("pith", {"int4": same_rate(1), "int8": same_rate(1)}, log)
        theirs = Fake("peer", {"f16": same_rate(1)}, log)
        entries = [rounds.Entry(ours, setting) for setting in ours.settings()]
        entries.append(rounds.Entry(theirs, Setting("f16")))
        rounds.run_rounds(entries, WORKLOAD, 3, silent)
        forwards = ["pith.int4", "pith.int8", "peer.f16"]
        self.assertEqual(log, forwards + forwards[::-1] + forwards)

    def test_each_quantity_keeps_the_setting_that_is_best_at_it(self):
        def at(prompt, shallow, deep):
            rates = {(PROMPT, 0): prompt, (PROMPT, 4096): prompt, (DECODE, 0): shallow, (DECODE, 4096): deep}
            return lambda _, workload: Outcome({q: rates[q] for q in workload.quantities()}, 1)

        peer = Fake("peer", {"a": at(9, 1, 1), "b": at(1, 9, 1), "c": at(1, 1, 9), "d": at(8, 8, 8)})
        workload = Workload("m", 1, 8, 8, (0, 1000, 3000, 4096))
        made = rounds.make_peer(peer, workload, silent)
        names = {quantity: setting.name for quantity, setting in made.best.items()}
        self.assertEqual({names[PROMPT, depth] for depth in workload.depths}, {"a"})
        # Depths in between were not tried: the nearer end decides.
        self.assertEqual([names[DECODE, depth] for depth in workload.depths], ["b", "b", "c", "c"])
        self.assertEqual(sorted(entry.setting.name for entry in made.entries), ["a", "b", "c"])
        self.assertEqual(made.entry_for((DECODE, 0)).setting.name, "b")
        self.assertEqual(set(peer.runs.values()), {1})

    def test_settings_that_nobody_wants_are_left_out(self):
        peer = Fake("peer", {"f16, on": same_rate(1), "f16, off": same_rate(2), "q8_0, on": same_rate(9)})
        made = rounds.make_peer(peer, WORKLOAD, silent, ["f16", "q4"])
        self.assertEqual({setting.name for setting in made.best.values()}, {"f16, off"})
        self.assertEqual(set(peer.runs), {"f16, on", "f16, off"})

    def test_settings_that_fail_are_left_out(self):
        said = []
        peer = Fake("peer", {"bad": lambda n, w: Failure("no such type"), "good": same_rate(1)})
        made = rounds.make_peer(peer, WORKLOAD, said.append)
        self.assertEqual({setting.name for setting in made.best.values()}, {"good"})
        self.assertIn("peer (bad) does not run: no such type", said)
        with self.assertRaisesRegex(Failure, "no setting runs"):
            rounds.make_peer(Fake("peer", {"bad": lambda n, w: Failure("no")}), WORKLOAD, silent)


class PithOutput(unittest.TestCase):
    SAMPLE = """{"model":"m","results":[{"kv":"int4","depths":[
        {"depth":0,"prompt":null,"decode":{"tokens":32,"depth":0,"tokens_per_second":{"median":91.5,"low":90}}},
        {"depth":64,"prompt":{"tokens":8,"depth":64,"tokens_per_second":{"median":700.25}},"decode":null}]}]}"""

    def test_rates(self):
        self.assertEqual(pith.rates_of(self.SAMPLE), {(DECODE, 0): 91.5, (PROMPT, 64): 700.25})

    def test_prompts_and_decoding_begin_at_the_depth(self):
        first, second = Pith("pith", ["int4"], 10).commands(Setting("int4", ("int4",)), WORKLOAD)
        self.assertIn("--prompt 512 --gen 0 --depth 0,4096 --ctx 4608", " ".join(first))
        self.assertIn("--prompt 0 --gen 32 --depth 0,4096", " ".join(second))
        only = list(Pith("pith", ["int4"], 10).commands(Setting("int4", ("int4",)), Workload("m", 1, 0, 4, (0,))))
        self.assertEqual(len(only), 1)


def record(n_prompt, n_gen, seconds, **more):
    return {"n_prompt": n_prompt, "n_gen": n_gen, "avg_ns": int(seconds * 1e9), **more}


class LlamaBenchOutput(unittest.TestCase):
    WITH_DEPTHS = [
        record(512, 0, 2.0, n_depth=0),
        record(0, 32, 0.5, n_depth=0),
        record(512, 0, 4.0, n_depth=4096),
        record(0, 32, 1.0, n_depth=4096),
    ]
    WITHOUT = [record(512, 0, 2.0), record(4096, 0, 20.0), record(4608, 0, 24.0), record(0, 32, 0.5)]
    WITHOUT += [record(4096, 32, 1.0)]
    EXPECTED = {(PROMPT, 0): 256, (DECODE, 0): 64, (PROMPT, 4096): 128, (DECODE, 4096): 32}

    def make(self, help_text, records=()):
        """Writes a program that has the given help text, and prints the given records."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "llama-bench"
        path.write_text(
            f"#!{sys.executable}\nimport json, sys\n"
            f"print({help_text!r} if '--help' in sys.argv else 'a note' + chr(10) + json.dumps({list(records)!r}))\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return LlamaBench(str(path), 60)

    def test_with_depths(self):
        bench = self.make("-d, --n-depth <n>\n--repack <0|1>", self.WITH_DEPTHS)
        setting = bench.settings()[0]
        self.assertEqual(setting.name, "f16, flash attention off, repacking on")
        self.assertEqual(len(bench.settings()), 8)
        command = " ".join(bench.command(setting, WORKLOAD))
        for words in ("-p 512 -n 32 -d 0,4096", "-fa 0 -ctk f16 -ctv f16 --repack 1", "-t 2", "-r 1 -o json"):
            self.assertIn(words, command)
        outcome = bench.run(setting, WORKLOAD)
        self.assertEqual(outcome.rates, self.EXPECTED)
        # A Python interpreter takes some memory.
        self.assertGreater(outcome.peak_bytes, 1 << 20)

    def test_without_depths_prompts_are_differences(self):
        bench = self.make("-rtr, --run-time-repack <0|1>\n-gp <pp,tg>", self.WITHOUT)
        command = " ".join(bench.command(bench.settings()[-1], WORKLOAD))
        for words in ("-p 512,4096,4608 -n 32 -gp 4096,32", "-fa 1 -ctk q4_0 -ctv q4_0 --run-time-repack 0"):
            self.assertIn(words, command)
        self.assertEqual(bench.run(bench.settings()[0], WORKLOAD).rates, self.EXPECTED)
        self.assertIn("ik_llama.cpp", bench.describe())

    def test_noise_that_eats_a_difference_leaves_no_rate(self):
        records = [record(4096, 0, 20.0), record(4608, 0, 19.0)]
        self.assertEqual(llama_bench.rates_without_depths(records, Workload("m", 1, 512, 0, (4096,))), {})

    def test_programs_without_repacking(self):
        bench = self.make("-d, --n-depth <n>")
        self.assertEqual(len(bench.settings()), 4)
        self.assertNotIn("repack", " ".join(bench.command(bench.settings()[0], WORKLOAD)))

    def test_no_json(self):
        with self.assertRaises(Failure):
            llama_bench.records_of("error: cannot load")


# Stand-ins that answer as the real packages do, and refuse what those would refuse.
FAKE_LLAMA_CPP = """
GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0 = 1, 8, 2
class Llama:
    n_tokens = 0
    ctx = None
    def __init__(self, model_path, n_ctx, type_v, flash_attn, **options):
        assert model_path == "model.gguf" and n_ctx >= 4096 + 512 and options["n_threads"] == 2
        assert flash_attn or type_v == GGML_TYPE_F16
        self.n_ctx = n_ctx
    def n_vocab(self):
        return 100
    def reset(self):
        self.n_tokens = 0
    def eval(self, tokens):
        assert tokens and all(0 <= token < 100 for token in tokens)
        self.n_tokens += len(tokens)
        assert self.n_tokens <= self.n_ctx
def llama_synchronize(context):
    pass
"""

FAKE_OPENVINO_GENAI = """
from types import SimpleNamespace as Plain
def TokenizedInputs(ids, mask):
    return ids
def GenerationConfig(max_new_tokens, ignore_eos, do_sample):
    return max_new_tokens
class LLMPipeline:
    def __init__(self, path, device, INFERENCE_NUM_THREADS, KV_CACHE_PRECISION="default"):
        assert (path, device, INFERENCE_NUM_THREADS) == ("model.gguf", "CPU", 2)
    def generate(self, ids, tokens):
        first, each = Plain(mean=10.0 * len(ids[0])), Plain(mean=2.0)
        return Plain(perf_metrics=Plain(get_ttft=lambda: first, get_tpot=lambda: each))
"""

# A stand-in for numpy and openvino alike.
NO_ARRAYS = """
int64 = int
def array(rows, dtype):
    return rows
def ones_like(rows):
    return rows
Tensor = list
"""


class Workers(unittest.TestCase):
    def test_the_last_line_counts(self):
        text = 'loading\n{"rates": [["prompt", 0, 12.5], ["decode", 64, 3]]}\n'
        self.assertEqual(worker.rates_of(text), {(PROMPT, 0): 12.5, (DECODE, 64): 3})
        for bad in ("", "loading", '{"rate": 1}'):
            with self.assertRaisesRegex(Failure, "last line"):
                worker.rates_of(bad)

    def run_with(self, package, source, contestant):
        """Runs every setting of a contestant with a package that has only what the worker needs."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, package + ".py").write_text(source)
            for other in ("numpy", "openvino"):
                pathlib.Path(folder, other + ".py").write_text(NO_ARRAYS)
            with unittest.mock.patch.dict(os.environ, {"PYTHONPATH": folder}):
                return [contestant.run(setting, WORKLOAD) for setting in contestant.settings()]

    def test_llama_cpp_python(self):
        outcomes = self.run_with("llama_cpp", FAKE_LLAMA_CPP, LlamaCppPython(sys.executable, 60))
        self.assertEqual(len(outcomes), 4)
        for outcome in outcomes:
            self.assertEqual(set(outcome.rates), set(WORKLOAD.quantities()))

    def test_openvino_prompts_are_differences(self):
        outcomes = self.run_with("openvino_genai", FAKE_OPENVINO_GENAI, OpenVinoGenAi(sys.executable, 60))
        self.assertEqual(len(outcomes), 3)
        for outcome in outcomes:
            self.assertEqual(set(outcome.rates), set(WORKLOAD.quantities()))
            # Ten milliseconds per token of the prompt, two per decoded token.
            self.assertAlmostEqual(outcome.rates[PROMPT, 0], 100)
            self.assertAlmostEqual(outcome.rates[PROMPT, 4096], 100)
            self.assertAlmostEqual(outcome.rates[DECODE, 4096], 500)


class Processes(unittest.TestCase):
    def test_failures_say_why(self):
        with self.assertRaisesRegex(Failure, "no such|No such"):
            run_process(["/nowhere/program"], 10)
        with self.assertRaisesRegex(Failure, "ended with 3: bad news"):
            run_process([sys.executable, "-c", "import sys; print('bad news', file=sys.stderr); sys.exit(3)"], 60)
        with self.assertRaisesRegex(Failure, "took more than 0.2 s"):
            run_process([sys.executable, "-c", "import time; time.sleep(600)"], 0.2)

    def test_peak_memory_is_the_childs(self):
        big = run_process([sys.executable, "-c", "x = bytearray(300 << 20)"], 60)
        self.assertGreater(big.peak_bytes, 300 << 20)
        self.assertLess(big.peak_bytes, 600 << 20)


class Reports(unittest.TestCase):
    def comparison(self):
        ours = rounds.Entry(Fake("pith", {}), Setting("int4"))
        theirs = rounds.Entry(Fake("peer", {}), Setting("f16, flash attention on"))
        for entry, rate in ((ours, 120), (theirs, 40)):
            entry.add(Outcome({quantity: rate for quantity in WORKLOAD.quantities()}, 64 << 20), WORKLOAD)
        peer = rounds.Peer(theirs.contestant, {q: theirs.setting for q in WORKLOAD.quantities()}, [theirs])
        return ("peer 1.0", figures.speed_lines([ours], peer, WORKLOAD), figures.memory_lines([ours], peer))

    def test_table_and_markdown(self):
        for markdown in (False, True):
            text = report.text_report("pith 1", [self.comparison()], markdown)
            rows = [line for line in text.splitlines() if "prompt" in line or "decode" in line]
            self.assertEqual(len(rows), 4)
            for row in rows:
                self.assertEqual(len(row), len(rows[0]))
                self.assertIn("3.00", row)
            self.assertEqual(text.count("\n| ---"), 2 if markdown else 0)
            self.assertIn("64.0", text)

    def test_json(self):
        result = json.loads(report.json_report(WORKLOAD, 1, "pith 1", [self.comparison()]))
        self.assertEqual(result["workload"]["depths"], [0, 4096])
        (peer,) = result["peers"]
        self.assertEqual(peer["peer"], "peer 1.0")
        self.assertEqual([line["ratio"]["median"] for line in peer["speed"]], [3] * 4)
        self.assertEqual(peer["memory"][0]["peak_bytes"]["median"], 64 << 20)


class FakeFigure:
    """The part of matplotlib's Figure that is used; records what is drawn."""

    def __init__(self, **_):
        self.drawn = {}
        self.title = None

    def suptitle(self, title):
        self.title = title

    def subplots(self, rows, columns, squeeze):
        return [[unittest.mock.Mock(errorbar=self.remember(column)) for column in range(columns)]]

    def remember(self, column):
        def errorbar(x, y, yerr, label, **_):
            self.drawn[column, label] = (x, y, yerr)

        return errorbar

    def savefig(self, path):
        if "/" in path:
            raise OSError("no such folder")
        FakeFigure.saved = self


class Charts(unittest.TestCase):
    def comparison(self, name):
        def line(kind, depth):
            rate, peer_rate = 90 - depth / 100, 30
            spreads = [figures.Spread(rate, rate - 1, rate + 2), figures.Spread(peer_rate, peer_rate, peer_rate)]
            ratio = figures.spread_of([rate / peer_rate])
            return figures.SpeedLine(kind, depth, "int4", "f16", *spreads, ratio, [rate], [peer_rate])

        speed = [line(kind, depth) for kind in (PROMPT, DECODE) for depth in (4096, 0)]
        return (f"{name}: version 1", speed, [])

    def test_a_curve_for_each_engine(self):
        charts.draw(FakeFigure, "speed.svg", "model", [self.comparison("a"), self.comparison("b")])
        self.assertEqual(FakeFigure.saved.title, "model")
        drawn = FakeFigure.saved.drawn
        self.assertEqual(set(drawn), {(panel, name) for panel in (0, 1) for name in ("pith, int4", "a", "b")})
        self.assertEqual(drawn[1, "pith, int4"], ([0, 4096], [90, 90 - 40.96], [[1, 1], [2, 2]]))
        self.assertEqual(drawn[0, "b"], ([0, 4096], [30, 30], [[0, 0], [0, 0]]))

    def test_failures(self):
        with self.assertRaisesRegex(Failure, "/nowhere/x.svg: cannot write"):
            charts.draw(FakeFigure, "/nowhere/x.svg", "model", [self.comparison("a")])
        with unittest.mock.patch.dict(sys.modules, {"matplotlib": None, "matplotlib.figure": None}):
            with self.assertRaisesRegex(Failure, "needs the Python package matplotlib"):
                charts.load_figure_class()


class CommandLine(unittest.TestCase):
    def test_peers_and_depths(self):
        options = compare.parse_arguments(
            ["-m", "m", "--peer", "llama_bench:ik=/x/llama-bench", "--peer", "openvino_genai=python3"]
            + ["--depths", "4096,0"]
        )
        self.assertEqual(
            options.peer,
            [("llama_bench", "ik", "/x/llama-bench"), ("openvino_genai", "openvino_genai", "python3")],
        )
        self.assertEqual(options.depths, (0, 4096))

    def test_wrong_usage(self):
        good = ["-m", "m", "--peer", "llama_bench=x"]
        for bad in (["--peer", "unheard=x"], ["--rounds", "0"], ["--depths", "-1"], ["--prompt", "0", "--gen", "0"]):
            with self.assertRaises(SystemExit) as caught, open("/dev/null", "w") as sink:
                stderr, sys.stderr = sys.stderr, sink
                try:
                    compare.parse_arguments(good + bad)
                finally:
                    sys.stderr = stderr
            self.assertEqual(caught.exception.code, 2)


if __name__ == "__main__":
    unittest.main()
