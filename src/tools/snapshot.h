#pragma once

#include <pith/pith.h>

#include <cstddef>
#include <string>
#include <vector>

#include "tools/command.h"
#include "tools/command_line.h"

namespace pith::tools {

/// --key-file, and what it gives.
struct KeyArgs {
  std::string path;

  void add_to(Command& app);
  /// The key: 32 bytes, or 64 hexadecimal digits; empty without a file. Throws pith::Error.
  std::vector<std::byte> read() const;
};

/// Subcommands of `pith snapshot`.
void add_snapshot_save(Command& app, Action& action, const Codecs& codecs);
void add_snapshot_restore(Command& app, Action& action, const Codecs& codecs);
void add_snapshot_info(Command& app, Action& action);
void add_snapshot_verify(Command& app, Action& action);
void add_snapshot_bench(Command& app, Action& action, const Codecs& codecs);

}  // namespace pith::tools
