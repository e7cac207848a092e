#pragma once

#include <pith/session.h>

#include "io/file_ops.h"

namespace pith::session {

/// To what a session keeps for itself.
struct Access {
  static Session::Impl& impl(Session& session) { return *session.impl_; }
  static const Session::Impl& impl(const Session& session) { return *session.impl_; }
};

/// Session::save(), through system calls that may fail.
void save(const Session& session, const std::filesystem::path& path, const SnapshotOptions& options,
          const io::FileOps& ops);

}  // namespace pith::session
