#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "model/vocab_source.h"
#include "support/paths.h"
#include "tokenizer/vocab_fixture.h"

namespace pith {
namespace {

using Tokens = std::vector<Token>;

std::vector<std::string> texts_of(const std::filesystem::path& path) {
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  const std::string all = test::read_file(path);
  std::vector<std::string> texts;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find(kSeparator, at), all.size());
    texts.push_back(all.substr(at, end - at));
    at = end + kSeparator.size();
  }
  return texts;
}

std::vector<Tokens> ids_of(const std::filesystem::path& path) {
  std::istringstream all(test::read_file(path));
  std::vector<Tokens> ids;
  for (std::string line; std::getline(all, line);) {
    std::istringstream numbers(line);
    Tokens tokens;
    for (Token token = 0; numbers >> token;) tokens.push_back(token);
    ids.push_back(tokens);
  }
  return ids;
}

// Vocabularies of real models with the ids that their own tokenizers give, in the form that llama.cpp keeps them: each
// <name>.gguf with a <name>.gguf.inp and <name>.gguf.out beside it. PITH_VOCABS may name a folder of more.
TEST(GoldenVocab, RealVocabulariesEncodeAsTheirOwnTokenizersDo) {
  const char* named = std::getenv("PITH_VOCABS");
  const std::filesystem::path folder =
      named != nullptr ? std::filesystem::path(named) : std::filesystem::path(PITH_SHARED_DIR) / "data" / "vocab";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no vocabularies in " << folder;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf" || !std::filesystem::exists(entry.path().string() + ".inp")) continue;
    const std::vector<std::string> texts = texts_of(entry.path().string() + ".inp");
    const std::vector<Tokens> ids = ids_of(entry.path().string() + ".out");
    ASSERT_FALSE(texts.empty()) << entry.path();
    ASSERT_LE(texts.size(), ids.size()) << entry.path();
    const gguf::File file = gguf::File::open(entry.path());
    const tokenizer::VocabSource source = model::read_vocab_source(file);
    const Tokenizer tokenizer = tokenizer::make_tokenizer(source);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(tokenizer.encode(texts[i], test::plain()), ids[i]) << entry.path() << ": " << texts[i];
      // WordPiece and Unigram normalize their texts, so those do not come back.
      if (source.model == "bert" || source.model == "t5") continue;
      EXPECT_EQ(tokenizer.decode(ids[i]), texts[i]) << entry.path();
    }
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace pith
