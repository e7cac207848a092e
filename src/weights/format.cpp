#include "weights/format.h"

#include "base/checked.h"
#include "base/fail.h"

namespace pith::weights {

std::size_t row_bytes(gguf::TensorType type, std::size_t columns) {
  const gguf::TensorTypeInfo& info = gguf::type_info(type);
  if (columns % info.block_elements != 0) {
    fail(ErrorKind::kInvalidArgument, "a row of {} weights is not whole blocks of {}, which has {} a block", columns,
         info.name, info.block_elements);
  }
  const auto bytes = checked_mul(columns / info.block_elements, info.block_bytes);
  if (!bytes) fail(ErrorKind::kInvalidArgument, "a row of {} weights of {} has too many bytes", columns, info.name);
  return *bytes;
}

}  // namespace pith::weights
