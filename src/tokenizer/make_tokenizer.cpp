#include "tokenizer/make_tokenizer.h"

#include <array>
#include <memory>
#include <string>

#include "base/fail.h"
#include "base/printable.h"
#include "tokenizer/bpe.h"
#include "tokenizer/pretokenizer_table.h"
#include "tokenizer/spm.h"
#include "tokenizer/unigram.h"
#include "tokenizer/word_piece.h"

namespace pith::tokenizer {
namespace {

template <typename Kind, typename... More>
Tokenizer make_kind(const VocabSource& source, const VocabDefaults& defaults, const More&... more) {
  auto vocab = std::make_shared<const Vocab>(source, defaults);
  return {vocab, std::make_shared<const Kind>(vocab, source, more...)};
}

Tokenizer make_bpe(const VocabSource& source, const PreTokenizerRow& row) {
  VocabDefaults defaults;
  defaults.spelling = row.spelling;
  defaults.add_bos = row.add_bos;
  defaults.always_bos = row.always_bos;
  defaults.fixed_space_prefix = true;
  return make_kind<BpeEncoder>(source, defaults, row);
}

Tokenizer make_gpt2(const VocabSource& source) {
  const PreTokenizerRow* row = find_pre_tokenizer(source.pre);
  if (row == nullptr) {
    fail(ErrorKind::kUnsupported, "{}: tokenizer.ggml.pre is '{}'; known are {}", source.file, printable(source.pre),
         pre_tokenizer_names());
  }
  return make_bpe(source, *row);
}

Tokenizer make_gemma4(const VocabSource& source) { return make_bpe(source, *find_pre_tokenizer("gemma4")); }
Tokenizer make_white_space(const VocabSource& source) { return make_bpe(source, *find_pre_tokenizer("whitespace")); }

Tokenizer make_spm(const VocabSource& source) {
  VocabDefaults defaults;
  defaults.spelling = Spelling::kSentencePiece;
  defaults.add_bos = true;
  defaults.add_space_prefix = true;
  // SentencePiece's default ids.
  defaults.unknown = 0;
  defaults.bos = 1;
  defaults.eos = 2;
  return make_kind<SpmEncoder>(source, defaults);
}

Tokenizer make_unigram(const VocabSource& source) {
  VocabDefaults defaults;
  defaults.spelling = Spelling::kSentencePiece;
  defaults.add_eos = true;
  // T5's ids.
  defaults.eos = 1;
  defaults.unknown = 2;
  return make_kind<UnigramEncoder>(source, defaults);
}

Tokenizer make_word_piece(const VocabSource& source) {
  VocabDefaults defaults;
  defaults.spelling = Spelling::kSentencePiece;
  defaults.always_bos = true;
  defaults.ends_with_separator = true;
  // Every word begins with one.
  defaults.add_space_prefix = true;
  defaults.fixed_space_prefix = true;
  // BERT's ids.
  defaults.unknown = 100;
  defaults.bos = 101;
  defaults.separator = 102;
  return make_kind<WordPieceEncoder>(source, defaults);
}

/// A value of tokenizer.ggml.model, and what makes its tokenizer.
struct KindRow {
  std::string_view name;
  Tokenizer (*make)(const VocabSource&);
};

constexpr std::array<KindRow, 6> kKinds = {{{"gpt2", make_gpt2},
                                            {"llama", make_spm},
                                            {"gemma4", make_gemma4},
                                            {"bert", make_word_piece},
                                            {"t5", make_unigram},
                                            {"whitespace", make_white_space}}};

std::string kind_names() {
  std::string names;
  for (const KindRow& row : kKinds) {
    if (!names.empty()) names.append(", ");
    names.append(row.name);
  }
  return names;
}

}  // namespace

Tokenizer make_tokenizer(const VocabSource& source) {
  for (const KindRow& row : kKinds) {
    if (row.name == source.model) return row.make(source);
  }
  fail(ErrorKind::kUnsupported, "{}: tokenizer.ggml.model is '{}'; known are {}", source.file, printable(source.model),
       kind_names());
}

}  // namespace pith::tokenizer
