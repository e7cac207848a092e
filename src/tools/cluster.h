#pragma once

#include <pith/ranks.h>

#include <memory>
#include <string>

namespace pith::tools {

/// Joins the other processes that mpirun started beside this one, if it did. Of those, rank 0 alone writes to the
/// standard streams and to files from then on. Throws pith::Error(kUnsupported) in a pith that was built without MPI.
void join_cluster();
/// Null for a process that was started alone.
const std::shared_ptr<Ranks>& ranks();
/// Whether this process says what there is to say.
bool is_first();
/// Reports an error, after giving rank 0 the time to report it, and ends all processes. Does nothing for a process that
/// was started alone.
void abort_cluster(const std::string& message, int status);

/// Gives all ranks the text that rank 0 has read, which alone has a standard input.
std::string from_first(const std::string& text);

}  // namespace pith::tools
