#include <pith/manifest.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "base/fail.h"
#include "base/printable.h"
#include "io/atomic_file.h"
#include "io/digest.h"
#include "io/fields.h"
#include "io/input_file.h"

namespace pith::inline v0_1 {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormatName = "pith-manifest";
constexpr int kVersion = 1;
/// About fifty times the size of the largest models' manifests.
constexpr std::size_t kTextBytesMax = std::size_t{16} << 20;
constexpr std::size_t kValuesMax = std::size_t{1} << 20;
/// The manifest, a list, an entry, its shape.
constexpr std::size_t kDepthMax = 4;
/// Per object; a manifest has five. The JSON library searches fields one by one.
constexpr std::size_t kFieldsMax = 16;
constexpr std::size_t kRankMax = 4;
constexpr std::size_t kDigestDigits = 64;

/// One digest of all metadata, so that people can compare it at a glance.
std::string metadata_digest(const std::vector<Manifest::Key>& keys) {
  std::vector<const Manifest::Key*> sorted;
  sorted.reserve(keys.size());
  for (const Manifest::Key& key : keys) sorted.push_back(&key);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  io::FieldWriter fields;
  for (const Manifest::Key* key : sorted) {
    for (const std::string* text : {&key->name, &key->type, &key->sha256}) fields.put_text(*text);
  }
  return io::to_hex(io::sha256(fields.bytes()));
}

/// Checks a text before it is turned into values: nesting and number of fields are no larger than in any manifest, and
/// no field appears twice (JSON libraries differ in which of the two they keep). Handles the library's parse events;
/// its parser with a callback would work too, but takes time quadratic in the length of a list.
class Guard {
 public:
  explicit Guard(std::string_view origin) : origin_(origin) {}

  bool null() { return count_value(); }
  bool boolean(bool) { return count_value(); }
  bool number_integer(Json::number_integer_t) { return count_value(); }
  bool number_unsigned(Json::number_unsigned_t) { return count_value(); }
  bool number_float(Json::number_float_t, const std::string&) { return count_value(); }
  bool string(const std::string&) { return count_value(); }
  bool binary(const Json::binary_t&) { return count_value(); }
  bool start_array(std::size_t) { return open(); }
  bool end_array() { return close(); }
  bool start_object(std::size_t) { return open(); }
  bool end_object() { return close(); }
  bool key(const std::string& name) {
    std::vector<std::string>& fields = fields_.back();
    if (fields.size() == kFieldsMax)
      fail(ErrorKind::kFormat, "{}: an object has more than {} fields", origin_, kFieldsMax);
    if (std::find(fields.begin(), fields.end(), name) != fields.end())
      fail(ErrorKind::kFormat, "{}: field \"{}\" is there twice", origin_, printable(name));
    fields.push_back(name);
    return true;
  }
  bool parse_error(std::size_t byte, const std::string&, const Json::exception& error) {
    // A number that no type can hold is not a syntax error.
    if (dynamic_cast<const Json::parse_error*>(&error) == nullptr)
      fail(ErrorKind::kFormat, "{}: is no JSON that can be read", origin_);
    fail(ErrorKind::kFormat, "{}: is no JSON, at byte {}", origin_, byte);
  }

 private:
  bool count_value() {
    if (++values_ > kValuesMax) fail(ErrorKind::kFormat, "{}: has more than {} values", origin_, kValuesMax);
    return true;
  }
  bool open() {
    if (fields_.size() == kDepthMax)
      fail(ErrorKind::kFormat, "{}: is nested deeper than {} levels", origin_, kDepthMax);
    fields_.emplace_back();
    return count_value();
  }
  bool close() {
    fields_.pop_back();
    return true;
  }

  std::string_view origin_;
  std::size_t values_ = 0;
  /// The fields seen so far in each array or object that is still open.
  std::vector<std::vector<std::string>> fields_;
};

/// An object that has exactly the expected fields.
class Fields {
 public:
  Fields(const Json& json, std::string where, std::initializer_list<std::string_view> names)
      : json_(json), where_(std::move(where)) {
    if (!json.is_object()) refuse("is no object");
    for (const std::string_view name : names) {
      if (!json.contains(name)) refuse(fmt::format("has no field \"{}\"", name));
    }
    for (const auto& [name, value] : json.items()) {
      if (std::find(names.begin(), names.end(), name) == names.end())
        refuse(fmt::format("has a field \"{}\", which version {} does not know", printable(name), kVersion));
    }
  }

  std::string text(const char* name) const {
    const Json& value = json_.at(name);
    if (!value.is_string()) refuse(fmt::format("\"{}\" is no string", name));
    return value.get<std::string>();
  }
  std::string name(const char* field) const {
    std::string value = text(field);
    if (value.empty()) refuse(fmt::format("\"{}\" is empty", field));
    return value;
  }
  std::string digest(const char* name) const {
    std::string value = text(name);
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (value.size() == kDigestDigits && std::all_of(value.begin(), value.end(), is_digit)) return value;
    refuse(fmt::format("\"{}\" is \"{}\", must be {} hexadecimal digits in lower case", name, printable(value),
                       kDigestDigits));
  }
  std::uint64_t number(const char* name) const { return number(json_.at(name), name); }
  std::vector<std::uint64_t> shape(const char* name) const {
    std::vector<std::uint64_t> dims;
    for (const Json& dim : list(name)) dims.push_back(number(dim, name));
    if (dims.empty() || dims.size() > kRankMax)
      refuse(fmt::format("\"{}\" has {} dimensions, allowed are 1 to {}", name, dims.size(), kRankMax));
    return dims;
  }
  const Json& list(const char* name) const {
    const Json& value = json_.at(name);
    if (!value.is_array()) refuse(fmt::format("\"{}\" is no array", name));
    return value;
  }
  const Json& any(const char* name) const { return json_.at(name); }
  [[noreturn]] void refuse(std::string_view reason) const { fail(ErrorKind::kFormat, "{} {}", where_, reason); }

 private:
  std::uint64_t number(const Json& value, const char* name) const {
    if (!value.is_number_unsigned()) refuse(fmt::format("\"{}\" is no whole number from 0 up", name));
    return value.get<std::uint64_t>();
  }

  const Json& json_;
  std::string where_;
};

/// Reads every item of a list, and refuses two items with the same name.
template <typename Item, typename Read>
std::vector<Item> read_list(const Json& list, const std::string& where, const char* what, const Read& read) {
  std::vector<Item> items;
  std::set<std::string_view> names;
  items.reserve(list.size());
  for (const Json& json : list) items.push_back(read(json, fmt::format("{}: {} {}", where, what, items.size())));
  for (const Item& item : items) {
    if (!names.insert(item.name).second)
      fail(ErrorKind::kFormat, "{}: {} \"{}\" is there twice", where, what, printable(item.name));
  }
  return items;
}

Manifest::File read_file(const Json& json, std::string where) {
  const Fields fields(json, std::move(where), {"name", "bytes", "sha256"});
  return {fields.name("name"), fields.number("bytes"), fields.digest("sha256")};
}

Manifest::Key read_key(const Json& json, std::string where) {
  const Fields fields(json, std::move(where), {"name", "type", "sha256"});
  return {fields.name("name"), fields.name("type"), fields.digest("sha256")};
}

Manifest::Tensor read_tensor(const Json& json, std::string where) {
  const Fields fields(json, std::move(where), {"name", "type", "shape", "sha256"});
  return {fields.name("name"), fields.name("type"), fields.shape("shape"), fields.digest("sha256")};
}

Json parse_text(std::string_view text, std::string_view origin) {
  if (text.size() > kTextBytesMax)
    fail(ErrorKind::kFormat, "{}: has {} bytes, a manifest at most {}", origin, text.size(), kTextBytesMax);
  // The library would take a zero byte for the end of the text, and would skip a byte order mark.
  const std::size_t zero = text.find('\0');
  if (zero != std::string_view::npos || text.starts_with("\xEF\xBB\xBF"))
    fail(ErrorKind::kFormat, "{}: is no JSON, at byte {}", origin, zero == std::string_view::npos ? 1 : zero + 1);
  Guard guard(origin);
  Json::sax_parse(text, &guard);
  return Json::parse(text);
}

/// Checks the version before anything else, since other versions have unknown fields.
void check_version(const Json& json, const std::string& where) {
  const bool named = json.is_object() && json.contains("format") && json["format"] == kFormatName;
  if (!named || !json.contains("version")) fail(ErrorKind::kFormat, "{}: is no manifest of a model", where);
  const Json& version = json["version"];
  if (!version.is_number_unsigned() || version != kVersion) {
    fail(ErrorKind::kFormat, "{}: is a manifest of version {}, pith reads {}", where,
         printable(version.dump(-1, ' ', true), 20), kVersion);
  }
}

template <typename Item>
void check_text(const std::vector<Item>& items, const char* what) {
  for (const Item& item : items) {
    try {
      static_cast<void>(Json(item.name).dump());
    } catch (const Json::exception&) {
      fail(ErrorKind::kInvalidArgument, "manifest: the name of {} {} is not UTF-8", what, printable(item.name));
    }
  }
}

Json to_value(const Manifest& manifest) {
  Json json = {{"format", kFormatName}, {"version", kVersion}};
  Json& files = json["files"] = Json::array();
  for (const Manifest::File& file : manifest.files)
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  Json& metadata = json["metadata"] = {{"sha256", metadata_digest(manifest.metadata)}, {"keys", Json::array()}};
  for (const Manifest::Key& key : manifest.metadata)
    metadata["keys"].push_back({{"name", key.name}, {"type", key.type}, {"sha256", key.sha256}});
  Json& tensors = json["tensors"] = Json::array();
  for (const Manifest::Tensor& t : manifest.tensors)
    tensors.push_back({{"name", t.name}, {"type", t.type}, {"shape", t.shape}, {"sha256", t.sha256}});
  return json;
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  check_text(manifest.files, "file");
  check_text(manifest.metadata, "key");
  check_text(manifest.tensors, "tensor");
  std::string text = to_value(manifest).dump(1) + "\n";
  try {
    parse_manifest(text);
  } catch (const Error& error) {
    fail(ErrorKind::kInvalidArgument, "{}", error.what());
  }
  return text;
}

Manifest parse_manifest(std::string_view json, std::string_view origin) {
  const std::string where(origin);
  const Json top = parse_text(json, origin);
  check_version(top, where);
  const Fields fields(top, where + ":", {"format", "version", "files", "metadata", "tensors"});
  const Fields metadata(fields.any("metadata"), where + ": \"metadata\"", {"sha256", "keys"});
  Manifest manifest;
  manifest.files = read_list<Manifest::File>(fields.list("files"), where, "file", read_file);
  manifest.metadata = read_list<Manifest::Key>(metadata.list("keys"), where, "key", read_key);
  manifest.tensors = read_list<Manifest::Tensor>(fields.list("tensors"), where, "tensor", read_tensor);
  if (manifest.files.empty()) fields.refuse("names no file");
  if (metadata.digest("sha256") != metadata_digest(manifest.metadata))
    metadata.refuse("has a \"sha256\" that is not the one of its keys");
  return manifest;
}

Manifest read_manifest(const std::filesystem::path& path) {
  const io::InputFile file(path);
  if (file.size() > kTextBytesMax)
    fail(ErrorKind::kFormat, "{}: has {} bytes, a manifest at most {}", file.path(), file.size(), kTextBytesMax);
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return parse_manifest(text, file.path());
}

void write_manifest(const Manifest& manifest, const std::filesystem::path& path) {
  const std::string text = to_json(manifest);
  const io::FileOps ops;
  io::AtomicFile file(path, ops);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

}  // namespace pith::inline v0_1
