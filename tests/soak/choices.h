#pragma once

#include <pith/pith.h>

#include <filesystem>
#include <string>
#include <vector>

#include "soak/dice.h"

namespace pith::soak {

/// A model and how much of it a session may take.
struct Subject {
  Model model;
  /// Tokens of a session at most, and of a feed.
  int tokens_max = 0;
  int feed_max = 0;
  /// Texts that sessions begin with, so that they have prefixes to share.
  std::vector<std::vector<Token>> beginnings;
};

/// Models of random weights of all architectures, written to `folder`, and real ones by their paths.
std::vector<Subject> load_subjects(const std::filesystem::path& folder, const std::vector<std::string>& paths);

/// Any codecs, policies and limits that go together.
SessionOptions any_options(Dice& dice, const Subject& subject);
/// What results do not depend on: drawn anew for a session that is to do the same.
void redraw_free_options(Dice& dice, SessionOptions& options);

std::vector<Token> any_tokens(Dice& dice, const Model& model, int count);
SamplingOptions any_sampling(Dice& dice);

/// One line about a session's options, for reports.
std::string describe(const SessionOptions& options);

}  // namespace pith::soak
