#include "tokenizer/make_tokenizer.h"

#include <memory>

#include "base/fail.h"
#include "base/printable.h"
#include "tokenizer/bpe.h"
#include "tokenizer/pretokenizer_table.h"
#include "tokenizer/spm.h"

namespace pith::tokenizer {
namespace {

Tokenizer make_bpe(const VocabSource& source) {
  const PreTokenizerRow* row = find_pre_tokenizer(source.pre);
  if (row == nullptr) {
    fail(ErrorKind::kUnsupported, "{}: tokenizer.ggml.pre is '{}'; known are {}", source.file, printable(source.pre),
         pre_tokenizer_names());
  }
  VocabDefaults defaults;
  defaults.spelling = Spelling::kByteAlphabet;
  defaults.add_bos = row->add_bos;
  auto vocab = std::make_shared<const Vocab>(source, defaults);
  return {vocab, std::make_shared<const BpeEncoder>(vocab, source, *row)};
}

Tokenizer make_spm(const VocabSource& source) {
  VocabDefaults defaults;
  defaults.spelling = Spelling::kSentencePiece;
  defaults.add_bos = true;
  defaults.add_space_prefix = true;
  // SentencePiece's default ids.
  defaults.unknown = 0;
  defaults.bos = 1;
  defaults.eos = 2;
  auto vocab = std::make_shared<const Vocab>(source, defaults);
  return {vocab, std::make_shared<const SpmEncoder>(vocab, source)};
}

}  // namespace

Tokenizer make_tokenizer(const VocabSource& source) {
  if (source.model == "gpt2") return make_bpe(source);
  if (source.model == "llama") return make_spm(source);
  fail(ErrorKind::kUnsupported, "{}: tokenizer.ggml.model is '{}'; known are gpt2, llama", source.file,
       printable(source.model));
}

}  // namespace pith::tokenizer
