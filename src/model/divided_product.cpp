#include "model/divided_product.h"

#include <vector>

#include "kv/share/message.h"
#include "kv/share/topic.h"

namespace pith::model {
namespace {

/// Rows that are still few: weights are read once for all of them.
constexpr std::size_t kRowsMax = 8;
/// What a small machine reads of weights in a second, about.
constexpr double kBytesPerSecond = 10e9;

bool worth_dividing(const Pass& pass, std::size_t rows, std::span<const weights::Product> products) {
  if (pass.ranks == nullptr || pass.division.divided() || rows > kRowsMax) return false;
  std::size_t bytes = 0;
  for (const weights::Product& product : products) {
    if (!product.matrix->added().empty()) return false;
    bytes += product.matrix->bytes();
  }
  const double saved = 1.0 - 1.0 / static_cast<double>(pass.ranks->count());
  return saved * static_cast<double>(bytes) / kBytesPerSecond > pass.ranks->latency();
}

/// Calls part(floats, count) for every piece of the outputs that a rank computes, in the order of messages.
template <typename OnPart>
void for_parts(std::span<const weights::Product> products, std::size_t rows, const weights::PanelShare& share,
               const OnPart& part) {
  for (const weights::Product& product : products) {
    const std::size_t panels = product.matrix->panels();
    const std::size_t first = share.first(panels) * kernels::kLanes;
    const std::size_t count = share.last(panels) * kernels::kLanes - first;
    for (std::size_t m = 0; m < rows; ++m) part(product.out + m * product.stride + first, count);
  }
}

}  // namespace

void multiply(const Pass& pass, const kernels::Activations& x, std::span<const weights::Product> products) {
  if (!worth_dividing(pass, x.rows, products)) return weights::multiply(pass.k, pass.pool, x, products);
  Ranks& ranks = *pass.ranks;
  const weights::PanelShare own = {ranks.rank(), ranks.count()};
  weights::multiply_share(pass.k, pass.pool, x, products, own);
  std::vector<float> mine;
  for_parts(products, x.rows, own,
            [&](const float* from, std::size_t count) { mine.insert(mine.end(), from, from + count); });
  const auto said = ranks.exchange(kv::topic(kv::Topic::kProducts, 0, x.columns), std::as_bytes(std::span(mine)));
  for (std::size_t rank = 0; rank < ranks.count(); ++rank) {
    if (rank == ranks.rank()) continue;
    kv::RankMessage reader(said[rank], rank, "a product");
    for_parts(products, x.rows, {rank, ranks.count()}, [&](float* to, std::size_t count) { reader.read(to, count); });
    reader.end();
  }
}

}  // namespace pith::model
