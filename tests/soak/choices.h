#pragma once

#include <pith/pith.h>

#include <filesystem>
#include <string>
#include <vector>

#include "soak/dice.h"

namespace pith::soak {

/// A model and the limits of sessions on it.
struct Subject {
  Model model;
  /// Maximal tokens per session and per feed.
  int tokens_max = 0;
  int feed_max = 0;
  /// Texts that sessions start with, so that they have prefixes to share.
  std::vector<std::vector<Token>> beginnings;
};

/// Makes models of all architectures with random weights, written to `folder`, and loads real ones by path.
std::vector<Subject> load_subjects(const std::filesystem::path& folder, const std::vector<std::string>& paths);

/// Draws codecs, policies and limits that are compatible.
SessionOptions any_options(Dice& dice, const Subject& subject);
/// Redraws the options that results do not depend on, for a session that must give the same.
void redraw_free_options(Dice& dice, SessionOptions& options);

std::vector<Token> any_tokens(Dice& dice, const Model& model, int count);
SamplingOptions any_sampling(Dice& dice);

/// Describes a session's options in one line, for reports.
std::string describe(const SessionOptions& options);

}  // namespace pith::soak
