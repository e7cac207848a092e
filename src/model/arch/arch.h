#pragma once

#include <string_view>

#include "gguf/file.h"
#include "model/hparams.h"

namespace pith::model {

/// One architecture: its name in general.architecture, and a function that adapts the shared hyper-parameters to it.
struct Architecture {
  std::string_view name;
  void (*adapt)(const gguf::File& file, Hparams& hparams);
};

/// Throws Error(kUnsupported) naming the architecture and listing the known ones.
const Architecture& find_architecture(const gguf::File& file, std::string_view name);

void adapt_llama(const gguf::File& file, Hparams& hparams);
void adapt_qwen2(const gguf::File& file, Hparams& hparams);
void adapt_qwen3(const gguf::File& file, Hparams& hparams);
void adapt_gemma3(const gguf::File& file, Hparams& hparams);

}  // namespace pith::model
