#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "eval/fail.h"
#include "options/sampling_options.h"
#include "options/session_options.h"
#include "tools/files.h"
#include "tools/model_args.h"
#include "tools/option_json.h"
#include "tools/output.h"
#include "tools/snapshot.h"

namespace pith::tools {
namespace {

constexpr std::size_t kKeyBytes = 32;

struct InspectArgs {
  std::string snapshot;
  KeyArgs key;
  Format format = Format::kText;
};

std::optional<std::vector<std::byte>> parse_hex(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() != 2 * kKeyBytes) return std::nullopt;
  std::vector<std::byte> bytes;
  for (; !text.empty(); text.remove_prefix(2)) {
    std::uint8_t byte = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + 2, byte, 16);
    if (error != std::errc() || rest != text.data() + 2) return std::nullopt;
    bytes.push_back(static_cast<std::byte>(byte));
  }
  return bytes;
}

Json describe(const SnapshotInfo& info) {
  Json json;
  json["version"] = info.version;
  json["encrypted"] = info.encrypted;
  json["file_bytes"] = info.file_bytes;
  // Encrypted, and no key was given.
  if (info.model_fingerprint.empty()) return json;
  json["model"] = info.model_name;
  json["architecture"] = info.architecture;
  json["weight_type"] = info.weight_type;
  json["model_fingerprint"] = info.model_fingerprint;
  json["position_fingerprint"] = info.position_fingerprint;
  json["codec_fingerprint"] = info.codec_fingerprint;
  json["policy_fingerprint"] = info.policy_fingerprint;
  json["tokens"] = info.tokens;
  json["context"] = info.options.context;
  json["kv"] = kv_name(info.options.kv);
  json["policy"] = info.options.eviction.policy;
  json["budget_tokens"] = info.options.eviction.budget_tokens;
  json["budget_bytes"] = info.options.eviction.budget_bytes;
  json["compacted"] = info.compacted;
  json["temperature"] = info.sampling.temperature;
  json["seed"] = info.sampling.seed;
  json["options"] = options_json(info.options, OptionSet::kSaved);
  json["sampling"] = options_json(info.sampling, OptionSet::kSaved);
  return json;
}

void info(const InspectArgs& args) {
  const std::vector<std::byte> key = args.key.read();
  const Json json = describe(snapshot_info(args.snapshot, {.key = key}));
  if (args.format == Format::kJson) return write_json(json);
  for (const auto& [name, value] : json.items()) {
    if (value.is_object()) continue;
    const std::string text = value.is_string() ? one_line(value.get<std::string>())
                                               : value.dump(-1, ' ', false, Json::error_handler_t::replace);
    write_output(fmt::format("{:<20} {}\n", name, text));
  }
}

void verify(const InspectArgs& args) {
  const std::vector<std::byte> key = args.key.read();
  verify_snapshot(args.snapshot, {.key = key});
  write_output(fmt::format("{}: whole, every hash is right\n", args.snapshot));
}

std::shared_ptr<InspectArgs> add_inspection(Command& command) {
  auto args = std::make_shared<InspectArgs>();
  command.add_option("snapshot", args->snapshot, "The snapshot")->required()->type_name("FILE");
  args->key.add_to(command);
  return args;
}

}  // namespace

void KeyArgs::add_to(Command& app) {
  app.add_option("--key-file", path, "A file with the key of an encrypted snapshot: 32 bytes, or 64 hexadecimal digits")
      ->type_name("FILE");
}

std::vector<std::byte> KeyArgs::read() const {
  if (path.empty()) return {};
  // With a line's end; a key's file may be a device.
  const std::string text = read_text(path, 2 * kKeyBytes + 2);
  if (text.size() == kKeyBytes) {
    std::vector<std::byte> key(kKeyBytes);
    std::memcpy(key.data(), text.data(), kKeyBytes);
    return key;
  }
  if (auto key = parse_hex(text)) return *key;
  eval::fail(ErrorKind::kInvalidArgument, "{}: has {} bytes, must have {} or {} hexadecimal digits", path, text.size(),
             kKeyBytes, 2 * kKeyBytes);
}

void add_snapshot_info(Command& app, Action& action) {
  auto* command = app.add_subcommand("info", "What a snapshot says of itself");
  const auto args = add_inspection(*command);
  add_format(*command, args->format);
  command->callback([args, &action] { action = [args] { info(*args); }; });
}

void add_snapshot_verify(Command& app, Action& action) {
  auto* command = app.add_subcommand("verify", "Read all of a snapshot and compare every hash");
  const auto args = add_inspection(*command);
  command->callback([args, &action] { action = [args] { verify(*args); }; });
}

}  // namespace pith::tools
