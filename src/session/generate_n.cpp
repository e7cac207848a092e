#include <pith/decoding.h>
#include <pith/sampling.h>

#include "base/fail.h"

namespace pith::inline v0_1 {

std::vector<Generation> generate_n(const Session& session, int count, const GenerateOptions& options,
                                   const SamplePieceSink& on_piece, const std::stop_token& stop) {
  if (count < 0) fail(ErrorKind::kInvalidArgument, "{} continuations were asked for, must be at least 0", count);
  std::vector<Generation> generations;
  GenerateOptions own = options;
  for (int i = 0; i < count && !stop.stop_requested(); ++i) {
    own.sampling.seed = derive_seed(options.sampling.seed, static_cast<std::uint64_t>(i));
    PieceSink sink;
    if (on_piece) sink = [&, i](std::string_view piece) { return on_piece(i, piece); };
    generations.push_back(session.fork().generate(std::span<const Token>(), own, sink, stop));
  }
  return generations;
}

}  // namespace pith::inline v0_1
