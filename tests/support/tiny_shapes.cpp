#include "support/tiny_shapes.h"

namespace pith::test {

TinyModelSpec tiny_shape(const std::string& architecture, std::size_t heads, std::size_t kv_heads,
                         std::size_t head_size, std::size_t window) {
  TinyModelSpec spec;
  spec.architecture = architecture;
  spec.heads = heads;
  spec.kv_heads = kv_heads;
  spec.head_size = head_size;
  spec.sliding_window = window;
  spec.layers = architecture == "gemma3" ? 7 : 2;
  return spec;
}

std::vector<TinyShape> tiny_shapes() {
  std::vector<TinyShape> all = {
      {"LlamaGqa", tiny_shape("llama", 4, 2, 16)},      {"LlamaMha", tiny_shape("llama", 4, 4, 32)},
      {"LlamaMqa", tiny_shape("llama", 4, 1, 64)},      {"LlamaHead80", tiny_shape("llama", 4, 2, 80)},
      {"LlamaHead128", tiny_shape("llama", 2, 1, 128)}, {"Qwen2", tiny_shape("qwen2", 4, 2, 32)},
      {"Qwen3", tiny_shape("qwen3", 4, 2, 48)},         {"Gemma3Window", tiny_shape("gemma3", 4, 1, 32, 40)},
      {"Gemma3Global", tiny_shape("gemma3", 4, 2, 32)},
  };
  for (const auto rope : {TinyRope::kLinear, TinyRope::kLlama3, TinyRope::kYarn}) {
    TinyModelSpec spec = tiny_shape("llama", 4, 2, 32);
    spec.rope = rope;
    all.push_back({"LlamaRope" + std::to_string(static_cast<int>(rope)), spec});
  }
  TinyModelSpec untied = tiny_shape("llama", 4, 2, 32);
  untied.tied_output = false;
  all.push_back({"LlamaUntied", untied});
  TinyModelSpec wide_values = tiny_shape("llama", 4, 2, 32);
  wide_values.value_size = 48;
  all.push_back({"LlamaWideValues", wide_values});
  for (const char* architecture : {"starcoder2", "gptneox", "command-r"}) {
    const std::string name = architecture == std::string("command-r") ? "CommandR" : architecture;
    all.push_back({name, tiny_shape(architecture, 4, 2, 32)});
  }
  TinyModelSpec serial = tiny_shape("gptneox", 4, 4, 32);
  serial.parallel = false;
  serial.value_size = 16;
  all.push_back({"GptneoxSerial", serial});
  return all;
}

}  // namespace pith::test
