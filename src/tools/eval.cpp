#include "tools/eval.h"

#include "tools/command.h"

namespace pith::tools {

void add_eval(Command& app, Action& action, const Codecs& codecs) {
  auto* command = app.add_subcommand("eval", "Measure a model");
  command->require_subcommand();
  add_eval_perplexity(*command, action, codecs);
  add_eval_kl(*command, action, codecs);
  add_eval_needle(*command, action, codecs);
  add_eval_distortion(*command, action, codecs);
  add_eval_report(*command, action, codecs);
}

}  // namespace pith::tools
