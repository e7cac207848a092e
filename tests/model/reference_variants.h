#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "model/reference_spec.h"
#include "support/gguf_writer.h"
#include "support/tiny_model.h"

// The models on which the oracle and pith are compared.
namespace pith::test {

using Edit = std::function<void(GgufWriter&)>;

/// A tiny model with changed keys or tensors, and the number of tokens to compare.
struct Variant {
  std::string name;
  TinyModelSpec spec;
  std::vector<Edit> edits{};
  /// Longer than a page of the cache and than most variants' windows. The oracle is slow under sanitizers.
  std::size_t tokens = PITH_SANITIZED != 0 ? 70 : 100;
};

/// Writes the model and returns the path.
std::filesystem::path write_variant(const Variant& variant, const std::filesystem::path& path);

/// Returns every shape of tiny_shapes().
std::vector<Variant> shape_variants();
/// Returns models whose keys or optional tensors change the computation.
std::vector<Variant> key_variants();
/// Returns a model of each weight type.
std::vector<Variant> type_variants();

/// What the oracle gets wrong about a model that pith computes rightly: in the file that it reads, or in what it read.
struct Mistake {
  Variant model;
  std::vector<Edit> edits{};
  std::function<void(ReferenceSpec&)> change{};
};

std::vector<Mistake> mistakes();

}  // namespace pith::test
