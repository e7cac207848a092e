#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/gguf_writer.h"

namespace pith::test {

/// A way to damage the file of a model: what it states is changed field by field, so that the damage gets past the
/// checks in front of the one it is meant for.
struct Mutation {
  /// "llama.block_count = uint32 0"
  std::string name;
  /// No model may come of it; of others one may, which must then be usable.
  bool must_fail = false;
  std::function<void(GgufWriter&)> change;
  /// What happens to the file's bytes in the end; may be empty.
  std::function<void(Bytes&)> damage{};
};

using Mutations = std::vector<Mutation>;

/// Magic, version, counts, alignment, shards, cuts.
void add_header_mutations(const GgufWriter& writer, Mutations& to);
/// Every key: absent, twice, renamed, of every other type, with every hostile number or text of its own; arrays with
/// every hostile length, element type and element.
void add_key_mutations(const GgufWriter& writer, Mutations& to);
/// Every tensor: absent, twice, renamed, of every other type, rank, dimension and offset, with data too short or long.
void add_tensor_mutations(const GgufWriter& writer, Mutations& to);
/// NaN and infinities in every tensor: first, middle and last block.
void add_weight_mutations(const GgufWriter& writer, Mutations& to);
/// Texts, types and scores of tokens, merges, chat templates.
void add_vocab_mutations(const GgufWriter& writer, Mutations& to);

/// All of these.
Mutations all_mutations(const GgufWriter& writer);

}  // namespace pith::test
