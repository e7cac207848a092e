#include "tools/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string_view>

#include "eval/fail.h"

namespace pith::tools {
namespace {

/// Writes lines to standard error. What was typed stands in them, and steers no terminal.
void write_visible(std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    fmt::print(stderr, "{}\n", eval::visible(lines.substr(0, end)));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

}  // namespace

Option* Option::required() {
  option_->required();
  return this;
}

Option* Option::type_name(const std::string& name) {
  option_->type_name(name);
  value_ = name;
  return this;
}

Option* Option::suggests(std::vector<std::string> words) {
  words_ = std::move(words);
  return this;
}

Option* Option::delimiter(char between) {
  option_->delimiter(between);
  return this;
}

Option* Option::one_value() {
  option_->allow_extra_args(false);
  return this;
}

Option* Option::excludes(const Option* other) {
  option_->excludes(other->option_);
  return this;
}

Option* Option::range(int least, int most) {
  option_->check(CLI::Range(least, most));
  return this;
}

Option* Option::range(double least, double most) {
  option_->check(CLI::Range(least, most));
  return this;
}

Option* Option::not_negative() {
  option_->check(CLI::NonNegativeNumber);
  return this;
}

Option* Option::check(const std::function<std::string(const std::string&)>& complaint) {
  option_->check(complaint);
  return this;
}

bool Option::empty() const { return option_->empty(); }

OptionRow Option::row() const {
  OptionRow row;
  for (const std::string& name : option_->get_snames()) row.names.push_back("-" + name);
  for (const std::string& name : option_->get_lnames()) row.names.push_back("--" + name);
  if (option_->get_positional()) row.positional = option_->get_name(true);
  row.value = value_;
  row.words = words_;
  row.words_only = words_only_;
  row.required = option_->get_required();
  row.help = option_->get_description();
  return row;
}

Command* Command::add_subcommand(const std::string& name, const std::string& help) {
  return &subcommands_.emplace_back(app_->add_subcommand(name, help));
}

void Command::require_subcommand() { app_->require_subcommand(1); }

template <typename Value>
Option* Command::add_option(const std::string& names, Value& value, const std::string& help) {
  return keep(app_->add_option(names, value, help));
}

template Option* Command::add_option(const std::string&, std::string&, const std::string&);
template Option* Command::add_option(const std::string&, int&, const std::string&);
template Option* Command::add_option(const std::string&, float&, const std::string&);
template Option* Command::add_option(const std::string&, double&, const std::string&);
template Option* Command::add_option(const std::string&, std::uint64_t&, const std::string&);
template Option* Command::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option* Command::add_option(const std::string&, std::vector<std::uint64_t>&, const std::string&);
template Option* Command::add_option(const std::string&, std::vector<double>&, const std::string&);
template Option* Command::add_option(const std::string&, std::vector<int>&, const std::string&);

Option* Command::add_flag(const std::string& names, bool& value, const std::string& help) {
  return keep(app_->add_flag(names, value, help));
}

Option* Command::add_words(const std::string& names, const std::vector<std::string>& words, const std::string& help,
                           const std::function<void(std::size_t index)>& set) {
  const auto find = [words, set](const std::string& word) {
    set(static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin()));
  };
  CLI::Option* option = app_->add_option_function<std::string>(names, find, help);
  const std::string value = fmt::format("{}", fmt::join(words, "|"));
  option->check(CLI::IsMember(words))->option_text(value);
  Option* kept = keep(option);
  kept->value_ = value;
  kept->words_ = words;
  kept->words_only_ = true;
  return kept;
}

void Command::callback(std::function<void()> call) { app_->callback(std::move(call)); }

CommandRow Command::row(const std::string& parent) const {
  CommandRow row;
  row.name = parent.empty() ? app_->get_name() : parent + " " + app_->get_name();
  row.help = app_->get_description();
  for (const Option& option : options_) row.options.push_back(option.row());
  for (CLI::Option* own : {app_->get_help_ptr(), app_->get_version_ptr()}) {
    if (own != nullptr) row.options.push_back(Option(own).row());
  }
  for (const Command& command : subcommands_) row.subcommands.push_back(command.row(row.name));
  return row;
}

Option* Command::keep(CLI::Option* option) { return &options_.emplace_back(option); }

CommandLine::CommandLine(const std::string& name, const std::string& help, std::function<std::string()> version)
    : app_(std::make_unique<CLI::App>(help, name)), root_(app_.get()) {
  app_->set_version_flag("--version", std::move(version));
}

CommandLine::~CommandLine() = default;

void CommandLine::set_footer(const std::string& footer) { app_->footer(footer); }

CommandLine::Outcome CommandLine::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream complaint;
    if (app_->exit(error, std::cout, complaint) == 0) return Outcome::kHelped;
    write_visible(complaint.str());
    return Outcome::kWrong;
  }
  return Outcome::kRead;
}

void fail_missing(const std::string& what) { throw CLI::RequiredError(what); }

}  // namespace pith::tools
