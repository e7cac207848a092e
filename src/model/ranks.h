#pragma once

#include <memory>

#include "base/ranks.h"
#include "model/model_impl.h"

namespace pith::model {

/// The processes that share the model's sequences, which Cluster sets before there are any. Null: this one alone.
struct SharedRanks {
  std::shared_ptr<Ranks> ranks;
};

inline std::shared_ptr<Ranks>& ranks_of(const ModelImpl& model) {
  return model.attachments().get<SharedRanks>().ranks;
}

}  // namespace pith::model
