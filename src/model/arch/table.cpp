#include <array>
#include <string>

#include "base/fail.h"
#include "base/printable.h"
#include "model/arch/arch.h"

namespace pith::model {
namespace {

/// Every architecture, one line each.
constexpr std::array kTable = {
    Architecture{"llama", adapt_llama},
    Architecture{"qwen2", adapt_qwen2},
    Architecture{"qwen3", adapt_qwen3},
    Architecture{"gemma3", adapt_gemma3},
};

}  // namespace

const Architecture& find_architecture(const gguf::File& file, std::string_view name) {
  std::string known;
  for (const Architecture& architecture : kTable) {
    if (architecture.name == name) return architecture;
    known += known.empty() ? "" : ", ";
    known += architecture.name;
  }
  fail(ErrorKind::kUnsupported, "{}: architecture \"{}\" is not known; known are {}", file.path(), printable(name),
       known);
}

}  // namespace pith::model
