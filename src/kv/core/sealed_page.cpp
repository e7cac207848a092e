#include "kv/core/sealed_page.h"

#include "io/digest.h"

namespace pith::kv {
namespace {

/// Never returns 0, which means that there is no checksum.
std::uint64_t checksum_of(std::span<const std::byte> bytes) {
  const std::uint64_t value = io::xxh3(bytes);
  return value == 0 ? 1 : value;
}

}  // namespace

PageBytes::PageBytes(RawBuffer bytes, const PageKeeping& keeping)
    : bytes_(std::move(bytes)),
      checksum_(keeping.checksums ? checksum_of({bytes_.data(), bytes_.size()}) : 0),
      counter_(keeping.counter) {
  if (counter_ != nullptr) counter_->add(memory());
}

PageBytes::~PageBytes() {
  if (counter_ != nullptr) counter_->remove(memory());
}

bool PageBytes::intact() const { return checksum_ == 0 || checksum_of(span()) == checksum_; }

}  // namespace pith::kv
