#include "tools/eval.h"

#include "tools/command.h"

namespace pith::tools {

void add_eval(Command& app, Action& action, const Known& known) {
  auto* command = app.add_subcommand("eval", "Measure the quality of a model and its KV cache");
  command->require_subcommand();
  add_eval_perplexity(*command, action, known);
  add_eval_kl(*command, action, known);
  add_eval_needle(*command, action, known);
  add_eval_eviction(*command, action, known);
  add_eval_distortion(*command, action, known.codecs);
  add_eval_report(*command, action, known);
}

}  // namespace pith::tools
