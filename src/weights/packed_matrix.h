#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "gguf/tensor_type.h"
#include "kernels/types.h"
#include "weights/pack.h"

namespace pith::weights {

/// Callbacks invoked while a matrix is packed.
struct PackWatch {
  /// Receives a row's bytes before they are packed, on any of the pool's threads. An exception ends the packing.
  std::function<void(std::size_t row, std::span<const std::byte> bytes)> row{};
  /// Receives bytes that have been packed and will not be read again, in order, on the calling thread. May throw.
  std::function<void(std::span<const std::byte> bytes)> packed{};
};

struct LowRank;

/// A weight matrix [rows, columns] in panels of 16 rows (docs/formats/packed_weights.md), and what adapters add to it.
/// Immutable but for add(), so safe to read from any thread.
class PackedMatrix {
 public:
  PackedMatrix() = default;

  /// Packs the GGUF blocks of a matrix [rows, columns], stored row by row in exactly `data`. as_f32: expands the
  /// weights to float32. Packs panels in parallel. Throws Error(kUnsupported, kOutOfMemory, kInternal).
  PackedMatrix(gguf::TensorType type, std::span<const std::byte> data, std::size_t rows, std::size_t columns,
               bool as_f32, ThreadPool& pool, const PackWatch& watch = {});

  /// The shape and size of such a matrix without its weights: row() and panel() must not be called.
  static PackedMatrix outline(gguf::TensorType type, std::size_t rows, std::size_t columns, bool as_f32);

  bool empty() const noexcept { return rows_ == 0; }
  std::size_t rows() const noexcept { return rows_; }
  std::size_t columns() const noexcept { return columns_; }
  std::size_t panels() const noexcept { return (rows_ + kernels::kLanes - 1) / kernels::kLanes; }
  std::size_t bytes() const noexcept { return panels() * panel_bytes_; }
  /// Returns true if the matrix is multiplied with int8 activations (otherwise with float32 ones).
  bool quantized() const noexcept { return info_->quantized; }
  kernels::PackedFormat format() const noexcept { return info_->format; }
  const std::uint8_t* panel(std::size_t i) const noexcept {
    return reinterpret_cast<const std::uint8_t*>(buffer_.data()) + i * panel_bytes_;
  }

  /// Adds a matrix of low rank of the same shape: whatever reads this one reads the sum.
  void add(LowRank more);
  std::span<const LowRank> added() const noexcept;

  /// Writes the weights of row r to out [columns], bit for bit those that dequantize() gives, plus what was added.
  void row(std::size_t r, std::span<float> out) const;

 private:
  PackedMatrix(const PackInfo& info, std::size_t rows, std::size_t columns);

  /// Packs panel p from `data`, which holds the whole matrix in type `source`.
  void pack_panel(std::size_t p, const PackInfo& source, std::span<const std::byte> data,
                  const std::function<void(std::size_t, std::span<const std::byte>)>& on_row);

  const PackInfo* info_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  std::size_t panel_bytes_ = 0;
  RawBuffer buffer_;
  std::vector<LowRank> added_;
};

/// A matrix of low rank, b a (LoRA, Hu et al., 2106.09685, eq. 3).
struct LowRank {
  PackedMatrix a;  ///< [rank, columns], float32
  PackedMatrix b;  ///< [rows, rank], float32
};

inline std::span<const LowRank> PackedMatrix::added() const noexcept { return added_; }

}  // namespace pith::weights
