#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/gguf_writer.h"

namespace pith::test {

/// One way to damage a model's file. Changes what it states field by field, so that the damage passes the checks before
/// the one that it is meant for.
struct Mutation {
  /// "llama.block_count = uint32 0"
  std::string name;
  /// Whether the load must fail. Otherwise it may succeed, and the model must then be usable.
  bool must_fail = false;
  std::function<void(GgufWriter&)> change;
  /// Changes the finished file's bytes; may be empty.
  std::function<void(Bytes&)> damage{};
};

using Mutations = std::vector<Mutation>;

/// Magic, version, counts, alignment, shards, cuts.
void add_header_mutations(const GgufWriter& writer, Mutations& to);
/// Every key: absent, repeated, renamed, of every other type, with every hostile number or text of its own; arrays with
/// every hostile length, element type and element.
void add_key_mutations(const GgufWriter& writer, Mutations& to);
/// Every tensor: absent, repeated, renamed, of every other type, rank, dimension and offset, with too short or long
/// data.
void add_tensor_mutations(const GgufWriter& writer, Mutations& to);
/// NaN and infinities in every tensor: first, middle and last block.
void add_weight_mutations(const GgufWriter& writer, Mutations& to);
/// Texts, types and scores of tokens, merges, chat templates.
void add_vocab_mutations(const GgufWriter& writer, Mutations& to);

/// All of these.
Mutations all_mutations(const GgufWriter& writer);

}  // namespace pith::test
