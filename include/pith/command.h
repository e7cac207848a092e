#pragma once

#include <pith/codec.h>

#include <memory>

namespace pith {

/// The `pith` command as a function, for programs that add codecs of their own: every subcommand that takes a codec's
/// name knows those of the registry. Link pith::command. Writes to the standard streams and, the first time, handles
/// SIGINT, as a program does. Returns the exit status: 0, 1 for a failure, 2 for wrong usage.
int run_command(int argc, char** argv, std::shared_ptr<const CodecRegistry> codecs = nullptr);

}  // namespace pith
