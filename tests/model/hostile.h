#pragma once

#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "support/tiny_model.h"

namespace pith::test {

inline constexpr auto kFormat = ErrorKind::kFormat;
inline constexpr auto kUnsupported = ErrorKind::kUnsupported;

inline const std::vector<const char*>& architectures() {
  static const std::vector<const char*> all = {"llama",      "qwen2",   "qwen3",    "gemma3",
                                               "starcoder2", "gptneox", "command-r"};
  return all;
}

/// Returns the architecture's key for what norms add to a variance.
inline const char* epsilon_of(std::string_view architecture) {
  const bool layer_norm = architecture == "starcoder2" || architecture == "gptneox" || architecture == "command-r";
  return layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
}

/// Returns whether loading the file throws an Error of that kind, whose message is one line, names the file and
/// contains all of `parts`.
inline testing::AssertionResult refused(const std::filesystem::path& path, ErrorKind kind,
                                        const std::vector<std::string>& parts, const ModelOptions& options = {}) {
  try {
    Model::load(path, options);
  } catch (const Error& error) {
    const std::string what = error.what();
    if (error.kind() != kind) return testing::AssertionFailure() << to_string(error.kind()) << ": " << what;
    if (what.rfind(path.parent_path().string(), 0) != 0)
      return testing::AssertionFailure() << "the file is not named first: " << what;
    if (what.find('\n') != std::string::npos) return testing::AssertionFailure() << "more than one line: " << what;
    for (const std::string& part : parts) {
      if (what.find(part) == std::string::npos)
        return testing::AssertionFailure() << "no '" << part << "' in: " << what;
    }
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "it was loaded";
}

using ModelChange = std::function<void(GgufWriter&)>;

/// The same for a tiny model after a change.
inline testing::AssertionResult refused(const TinyModelSpec& spec, const ModelChange& change, ErrorKind kind,
                                        const std::vector<std::string>& parts) {
  const TempDir folder;
  GgufWriter writer = tiny_model_writer(spec);
  change(writer);
  writer.write(folder / "m.gguf");
  return refused(folder / "m.gguf", kind, parts);
}

/// Loads a tiny model after a change, and generates some text.
inline void expect_usable(const TinyModelSpec& spec, const ModelChange& change) {
  const TempDir folder;
  GgufWriter writer = tiny_model_writer(spec);
  change(writer);
  writer.write(folder / "m.gguf");
  const Model model = Model::load(folder / "m.gguf", {.threads = 1});
  Session session(model, {.kv = {.key = "int4"}, .threads = 1, .batch_tokens = 64});
  session.feed(std::vector<Token>(200, 5));
  session.step();
}

/// Returns a change that gives a key another value.
template <typename T>
ModelChange set_key(const std::string& key, T value) {
  return [=](GgufWriter& writer) { writer.remove(key).add(key, value); };
}

inline ModelChange set_list(const std::string& key, const std::vector<std::int32_t>& values) {
  return [=](GgufWriter& writer) { writer.remove(key).add_array(key, values); };
}

inline ModelChange without_tensor(const std::string& name) {
  return [=](GgufWriter& writer) {
    std::erase_if(writer.tensors, [&](const GgufWriter::Tensor& tensor) { return tensor.name == name; });
  };
}

inline ModelChange without_key(const std::string& key) {
  return [=](GgufWriter& writer) { writer.remove(key); };
}

/// Overwrites part of a tensor's data by a number.
template <typename T>
ModelChange set_data(const std::string& tensor, std::size_t at, T value) {
  return [=](GgufWriter& writer) {
    for (GgufWriter::Tensor& t : writer.tensors) {
      if (t.name == tensor) std::memcpy(&t.data[at], &value, sizeof value);
    }
  };
}

}  // namespace pith::test
