#pragma once

#include <pith/codec.h>
#include <pith/eviction.h>
#include <pith/export.h>

#include <memory>

namespace pith::inline v0_1 {

/// The `pith` command as a function, for programs that add codecs or eviction policies of their own: every subcommand
/// that takes a codec's, policy's, allocator's or selector's name knows those of the registries. Link pith::command.
/// Writes to the standard streams and, the first time, handles SIGINT, as a program does. Returns the exit status: 0, 1
/// for a failure, 2 for wrong usage.
PITH_EXPORT int run_command(int argc, char** argv, std::shared_ptr<const CodecRegistry> codecs = nullptr,
                            std::shared_ptr<const EvictionRegistry> policies = nullptr);

}  // namespace pith::inline v0_1
