#pragma once

#include <pith/export.h>

#include <cstddef>

namespace pith::inline v0_1 {

/// How a text is fed.
struct FeedOptions {
  /// Read special tokens written in the text ("<|im_start|>") as such; otherwise they are plain text.
  bool parse_special = false;
};

/// How Session::score() scores.
struct ScoreOptions {
  /// Tokens before this one are fed, but not scored: no logits are computed for them.
  std::size_t first = 0;
  /// Of each scored token also the likeliest ones, so many.
  int top = 0;
};

/// How Session::append() takes another session's tokens over.
struct AppendOptions {
  /// First tokens that are left out, such as the BOS that each document was fed with.
  std::size_t skip = 0;
  /// So many tokens after these are computed again, seeing what comes before them, instead of taken over (Yao et al.,
  /// CacheBlend, arXiv 2405.16444, section 4, recomputes chosen tokens; here it is those next to the seam).
  std::size_t seam = 0;
};

/// How hidden states of several tokens become one vector.
enum class Pooling {
  kModel,  ///< As the model's file says; the mean where it says nothing.
  kMean,   ///< Their mean.
  kLast,   ///< That of the last token.
  kFirst,  ///< That of the first token (CLS).
};

/// How Session::embed() makes a vector of a text.
struct EmbedOptions {
  Pooling pooling = Pooling::kModel;
  /// Divide by the Euclidean norm, so that a dot product of two embeddings is their cosine.
  bool normalize = true;
};

}  // namespace pith::inline v0_1
