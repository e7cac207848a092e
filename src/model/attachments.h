#pragma once

#include <memory>
#include <mutex>
#include <typeindex>
#include <unordered_map>

namespace pith::model {

/// What the rooms above keep with a model, for all of its sessions: one object of each type, made by the first call
/// that asks for it, gone with the model. Thread-safe; the objects must be so themselves.
class Attachments {
 public:
  template <typename T>
  T& get() {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<void>& object = objects_[typeid(T)];
    if (object == nullptr) object = std::make_shared<T>();
    return *static_cast<T*>(object.get());
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::type_index, std::shared_ptr<void>> objects_;
};

}  // namespace pith::model
