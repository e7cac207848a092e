"""llama.cpp, as in the Python package llama-cpp-python."""

from contestant import Setting
from contestants.worker import WorkerContestant


class LlamaCppPython(WorkerContestant):
    """Settings: flash attention and KV type."""

    script = "llama_cpp_python_worker.py"
    package = "llama_cpp_python"

    def settings(self):
        caches = ((False, "f16"), (True, "f16"), (True, "q8_0"), (True, "q4_0"))
        return [Setting(f"{kv}, flash attention {'on' if flash else 'off'}", (flash, kv)) for flash, kv in caches]
