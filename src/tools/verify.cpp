#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "eval/fail.h"
#include "tools/command.h"
#include "tools/model_args.h"
#include "tools/output.h"

namespace pith::tools {
namespace {

struct VerifyArgs {
  ModelArgs model;
  std::vector<std::string> sha256;
  Format format = Format::kText;
};

/// One thing that was looked at.
struct Check {
  std::string name;
  std::string detail;
  bool passed = true;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// 64 digits in lower case, with or without "sha256:" before them; empty for anything else.
std::string parse_digest(const std::string& text) {
  constexpr std::string_view kPrefix = "sha256:";
  constexpr std::size_t kDigits = 64;
  std::string digits = lower(text);
  if (digits.starts_with(kPrefix)) digits.erase(0, kPrefix.size());
  const bool good = digits.size() == kDigits &&
                    std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
  return good ? digits : "";
}

/// Writes each check when it is done, as a line or, at the end, all as JSON; then fails if one did.
class Report {
 public:
  explicit Report(const VerifyArgs& args) : args_(args) {}

  void add(const std::string& name, const std::string& detail, bool passed) {
    checks_.push_back({name, detail, passed});
    if (args_.format == Format::kText)
      write_output(fmt::format("{:<6} {:<9} {}\n", passed ? "ok" : "FAILED", name, detail));
  }
  /// A check that is passed if it does not throw; it says what it saw.
  void run(const std::string& name, const std::function<std::string()>& check) {
    std::string detail;
    try {
      detail = check();
    } catch (const Error& error) {
      return add(name, error.what(), false);
    }
    add(name, detail, true);
  }
  void finish() const {
    const auto failed = std::count_if(checks_.begin(), checks_.end(), [](const Check& c) { return !c.passed; });
    if (args_.format == Format::kJson) write_json(json(failed == 0));
    if (failed == 0) return;
    finish_output();
    const auto first = std::find_if(checks_.begin(), checks_.end(), [](const Check& c) { return !c.passed; });
    const std::string more = failed == 1 ? "" : fmt::format(" (and {} more failed)", failed - 1);
    eval::fail(ErrorKind::kIntegrity, "{}: {}: {}{}", args_.model.path, first->name, first->detail, more);
  }

 private:
  Json json(bool passed) const {
    Json result;
    result["model"] = args_.model.path;
    result["passed"] = passed;
    result["checks"] = Json::array();
    for (const Check& check : checks_)
      result["checks"].push_back({{"check", check.name}, {"passed", check.passed}, {"detail", check.detail}});
    return result;
  }

  const VerifyArgs& args_;
  std::vector<Check> checks_;
};

void check_files(const VerifyArgs& args, const Manifest& found, Report& report) {
  if (args.sha256.size() > found.files.size()) {
    report.add("sha256", fmt::format("{} were given, the model has {} files", args.sha256.size(), found.files.size()),
               false);
  }
  for (std::size_t i = 0; i < found.files.size(); ++i) {
    const Manifest::File& file = found.files[i];
    const bool given = i < args.sha256.size();
    const bool same = !given || parse_digest(args.sha256[i]) == file.sha256;
    std::string detail = fmt::format("{}: {} bytes, SHA-256 {}", file.name, file.bytes, file.sha256);
    if (given) detail += same ? ", as given" : ", given was " + parse_digest(args.sha256[i]);
    report.add("file", detail, same);
  }
}

void check_manifest(const Manifest& expected, const Manifest& found, Report& report) {
  const auto differences = compare(expected, found);
  for (const ManifestDifference& difference : differences) report.add("manifest", to_string(difference), false);
  if (!differences.empty()) return;
  report.add("manifest",
             fmt::format("{} files, {} keys, {} tensors are what it says", expected.files.size(),
                         expected.metadata.size(), expected.tensors.size()),
             true);
}

void verify(const VerifyArgs& args) {
  Report report(args);
  const auto expected = args.model.read_manifest();
  const auto found = std::make_shared<const Manifest>(hash_model(args.model.path, args.model.threads));
  check_files(args, *found, report);
  if (expected != nullptr) check_manifest(*expected, *found, report);
  // What is loaded is what was hashed, or this fails.
  report.run("load", [&] {
    const ModelInfo info = args.model.load(found).info();
    return fmt::format("{} {}, {} layers, {} weights, vocabulary of {}", info.architecture, info.weight_type,
                       info.layers, info.parameters, info.vocab);
  });
  report.finish();
}

}  // namespace

void add_verify(Command& app, Action& action) {
  auto* command = app.add_subcommand("verify", "Check that a model is sound, and that it is the one that digests say");
  const auto args = std::make_shared<VerifyArgs>();
  args->model.add_to(*command, "model,-m,--model");
  command
      ->add_option("--sha256", args->sha256,
                   "What the file's SHA-256 must be; once for each file of a sharded model, in their order")
      ->one_value()
      ->check([](const std::string& text) {
        return parse_digest(text).empty() ? "'" + text + "' is no SHA-256: 64 hexadecimal digits" : std::string();
      })
      ->type_name("DIGEST");
  add_format(*command, args->format);
  command->callback([args, &action] { action = [args] { verify(*args); }; });
}

}  // namespace pith::tools
