#pragma once

#include <pith/chat_format.h>

#include <string>
#include <vector>

#include "tools/command_line.h"

namespace pith::tools {

/// What the command line gives to a model's chat template beside the messages.
struct ChatInputArgs {
  std::string tools_file;
  std::string documents_file;
  /// "NAME=VALUE"; a value that is no JSON is a text.
  std::vector<std::string> variables;

  void add_to(Command& app);
  bool given() const noexcept { return !(tools_file.empty() && documents_file.empty() && variables.empty()); }
  /// Throws pith::Error(kIo) for files that cannot be read.
  ChatInputs read() const;
};

}  // namespace pith::tools
