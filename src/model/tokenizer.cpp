#include <pith/tokenizer.h>

#include "gguf/file.h"
#include "model/vocab_source.h"
#include "tokenizer/make_tokenizer.h"

namespace pith {

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  const gguf::File file = gguf::File::open(path);
  Tokenizer tokenizer = gguf::reading(file, [&] { return tokenizer::make_tokenizer(model::read_vocab_source(file)); });
  file.check_read();
  return tokenizer;
}

}  // namespace pith
