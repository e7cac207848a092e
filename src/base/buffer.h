#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace pith {

/// Zeroed memory, aligned to 64 bytes. Buffers of 2 MiB and more lie on huge pages where the system grants them.
class RawBuffer {
 public:
  RawBuffer() noexcept = default;
  /// Throws Error(kOutOfMemory) naming the size in bytes.
  explicit RawBuffer(std::size_t bytes);
  ~RawBuffer() { release(); }
  RawBuffer(RawBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  RawBuffer& operator=(RawBuffer&& other) noexcept {
    if (this != &other) {
      release();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  void release() noexcept;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A fixed number of zeroed elements of a trivial type.
template <typename T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() noexcept = default;
  explicit Buffer(std::size_t count) : raw_(count * sizeof(T)) {}

  T* data() const noexcept { return reinterpret_cast<T*>(raw_.data()); }
  std::size_t size() const noexcept { return raw_.size() / sizeof(T); }
  T& operator[](std::size_t i) const noexcept { return data()[i]; }
  std::span<T> span() const noexcept { return {data(), size()}; }

 private:
  RawBuffer raw_;
};

}  // namespace pith
