#include "io/fields.h"

#include "base/fail.h"

namespace pith::io {

void FieldReader::refuse(std::string_view reason) const { fail(ErrorKind::kFormat, "{}: {}", where_, reason); }

const std::byte* FieldReader::take(std::string_view field, std::size_t size) {
  if (size > left_.size())
    fail(ErrorKind::kFormat, "{}: {} takes {} bytes, {} are left", where_, field, size, left_.size());
  const std::byte* bytes = left_.data();
  left_ = left_.subspan(size);
  return bytes;
}

std::size_t FieldReader::count(std::string_view field, std::size_t size) {
  const auto stated = get<std::uint64_t>(field);
  // Divides, since a product could overflow.
  if (stated > left_.size() / size) {
    fail(ErrorKind::kFormat, "{}: {} has {} values of {} bytes, {} bytes are left", where_, field, stated, size,
         left_.size());
  }
  return static_cast<std::size_t>(stated);
}

void FieldReader::end() const {
  if (!left_.empty()) fail(ErrorKind::kFormat, "{}: {} bytes are left over", where_, left_.size());
}

}  // namespace pith::io
