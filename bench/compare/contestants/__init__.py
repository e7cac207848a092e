"""All engines, one file each."""

from contestants.llama_bench import LlamaBench
from contestants.llama_cpp_python import LlamaCppPython
from contestants.openvino_genai import OpenVinoGenAi
from contestants.pith import Pith

# By the name used on the command line; each is made from the path that follows it.
PEERS = {
    "llama_bench": LlamaBench,
    "llama_cpp_python": LlamaCppPython,
    "openvino_genai": OpenVinoGenAi,
}

__all__ = ["PEERS", "LlamaBench", "LlamaCppPython", "OpenVinoGenAi", "Pith"]
