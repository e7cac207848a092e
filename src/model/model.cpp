#include <pith/model.h>

#include <utility>

#include "base/memory.h"
#include "model/model_impl.h"
#include "model/specification.h"

namespace pith {

Model::Model(std::shared_ptr<const model::ModelImpl> impl) : impl_(std::move(impl)) {}

Model Model::load(const std::filesystem::path& path, const ModelOptions& options) {
  return Model(
      with_memory_for("load a model", [&] { return std::make_shared<const model::ModelImpl>(path, options); }));
}

const ModelInfo& Model::info() const noexcept { return impl_->info(); }

std::vector<ModelProperty> Model::specification() const {
  return with_memory_for("describe a model", [&] { return model::specification(impl_->spec()); });
}

const Tokenizer& Model::tokenizer() const noexcept { return impl_->tokenizer(); }

void Model::release_scratch() const { impl_->workspaces().clear(); }

const ChatTemplate& Model::chat_template() const noexcept { return impl_->chat_template(); }

}  // namespace pith
