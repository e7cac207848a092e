#include <pith/pith.h>

#include <algorithm>
#include <iostream>
#include <numeric>
#include <vector>

namespace {

/// The ids of the largest logits, largest first.
std::vector<pith::Token> largest(std::span<const float> logits, std::size_t count) {
  std::vector<pith::Token> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto logit = [&](pith::Token id) { return logits[static_cast<std::size_t>(id)]; };
  const auto end = ids.begin() + static_cast<std::ptrdiff_t>(std::min(count, ids.size()));
  std::partial_sort(ids.begin(), end, ids.end(), [&](auto a, auto b) { return logit(a) > logit(b); });
  ids.erase(end, ids.end());
  return ids;
}

}  // namespace

int main(int argc, char** argv) try {
  const pith::Model model = pith::Model::load(argc > 1 ? argv[1] : "model.gguf");
  const pith::Tokenizer& tokenizer = model.tokenizer();
  pith::Session session(model);

  session.feed(tokenizer.encode(argc > 2 ? argv[2] : "The capital of France is"));
  for (const pith::Token token : largest(session.logits(), 5)) {
    const float logit = session.logits()[static_cast<std::size_t>(token)];
    std::cout << token << '\t' << logit << '\t' << tokenizer.piece(token, true) << '\n';
  }
} catch (const pith::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
