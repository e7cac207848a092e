"""OpenVINO GenAI, which reads GGUF files itself."""

from contestant import Setting
from contestants.worker import WorkerContestant


class OpenVinoGenAi(WorkerContestant):
    """Settings: the KV type; the engine's own default is one of them."""

    script = "openvino_genai_worker.py"
    package = "openvino_genai"

    def settings(self):
        return [Setting(f"KV {kv}", (kv,)) for kv in ("default", "f16", "u8")]
