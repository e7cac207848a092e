#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "gguf/tensor_type.h"
#include "kernels/types.h"
#include "weights/pack.h"

namespace pith::weights {

/// What is told while a matrix is packed.
struct PackWatch {
  /// A row's bytes before they are packed, from any of the pool's threads. What it throws ends the packing.
  std::function<void(std::size_t row, std::span<const std::byte> bytes)> row{};
  /// Bytes that were packed and are not read again, one stretch after the other, from the calling thread. May throw.
  std::function<void(std::span<const std::byte> bytes)> packed{};
};

/// A weight matrix [rows, columns] in panels of 16 rows. Immutable once made; safe from any thread.
class PackedMatrix {
 public:
  PackedMatrix() = default;

  /// Packs GGUF blocks [rows, columns] (row by row, `data` exactly as long as that). With `as_f32`, the weights are
  /// expanded to float32. Panels are packed in parallel. Throws Error(kUnsupported, kOutOfMemory, kInternal).
  PackedMatrix(gguf::TensorType type, std::span<const std::byte> data, std::size_t rows, std::size_t columns,
               bool as_f32, ThreadPool& pool, const PackWatch& watch = {});

  /// The shape and size of such a matrix without its weights: row() and panel() must not be called.
  static PackedMatrix outline(gguf::TensorType type, std::size_t rows, std::size_t columns, bool as_f32);

  bool empty() const noexcept { return rows_ == 0; }
  std::size_t rows() const noexcept { return rows_; }
  std::size_t columns() const noexcept { return columns_; }
  std::size_t panels() const noexcept { return (rows_ + kernels::kLanes - 1) / kernels::kLanes; }
  std::size_t bytes() const noexcept { return panels() * panel_bytes_; }
  /// Multiplied with int8 activations (otherwise with float32 ones).
  bool quantized() const noexcept { return info_->quantized; }
  kernels::PackedFormat format() const noexcept { return info_->format; }
  const std::uint8_t* panel(std::size_t i) const noexcept {
    return reinterpret_cast<const std::uint8_t*>(buffer_.data()) + i * panel_bytes_;
  }

  /// The weights of one row [columns], as dequantizing gives them.
  void row(std::size_t r, std::span<float> out) const;

 private:
  PackedMatrix(const PackInfo& info, std::size_t rows, std::size_t columns);

  /// Packs panel p of weights of a type from `data`, the whole matrix.
  void pack_panel(std::size_t p, const PackInfo& source, std::span<const std::byte> data,
                  const std::function<void(std::size_t, std::span<const std::byte>)>& on_row);

  const PackInfo* info_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  std::size_t panel_bytes_ = 0;
  RawBuffer buffer_;
};

}  // namespace pith::weights
