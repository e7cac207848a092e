#include <string>

#include "base/fail.h"
#include "base/printable.h"
#include "model/arch/arch.h"

/// The files of this folder, one line each: each defines a function named for it, such as llama_family().
// clang-format off
#define PITH_FAMILIES(family) \
  family(llama)               \
  family(gemma2)              \
  family(gemma3)              \
  family(gemma4)              \
  family(olmo2)               \
  family(granite)             \
  family(gpt_oss)             \
  family(mistral3)            \
  family(smollm3)             \
  family(gptneox)             \
  family(command_r)           \
  family(falcon)              \
  family(stablelm)            \
  family(gpt2)                \
  family(glm4moe)             \
  family(deepseek2)           \
  family(bert)                \
  family(nemotron)            \
  family(mamba)               \
  family(qwen35)              \
  family(lfm2)
// clang-format on

namespace pith::model {

#define PITH_DECLARE(name) std::span<const Architecture> name##_family();
PITH_FAMILIES(PITH_DECLARE)
#undef PITH_DECLARE

const Architecture& find_architecture(const gguf::File& file, std::string_view name) {
  std::string known;
#define PITH_FIND(family)                                      \
  for (const Architecture& architecture : family##_family()) { \
    if (architecture.name == name) return architecture;        \
    known += known.empty() ? "" : ", ";                        \
    known += architecture.name;                                \
  }
  PITH_FAMILIES(PITH_FIND)
#undef PITH_FIND
  fail(ErrorKind::kUnsupported, "{}: architecture \"{}\" is not known; known are {}", file.path(), printable(name),
       known);
}

}  // namespace pith::model
