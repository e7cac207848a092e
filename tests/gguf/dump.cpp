// Prints what pith reads from GGUF files as JSON, one line per file, for tests/gguf/differential.py: every key with its
// value and a hash of its bytes, and every tensor with a hash of its data; or why the file was refused.
#include <pith/error.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <tuple>

#include "gguf/file.h"
#include "gguf/parse.h"
#include "io/digest.h"

namespace pith::gguf {
namespace {

using Json = nlohmann::ordered_json;

std::string hash(std::span<const std::byte> bytes) { return io::to_hex(io::sha256(bytes)); }

Json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

/// Returns what the typed accessors give: null if none accepts the value, or if a text is not UTF-8.
Json value_of(const Metadata& metadata, const MetadataEntry& entry) {
  const ValueType element = entry.value.element;
  const std::string_view key = entry.key;
  if (!entry.value.is_array()) {
    if (element == ValueType::kString) return metadata.require<std::string_view>(key);
    if (element == ValueType::kBool) return metadata.require<bool>(key);
    if (element == ValueType::kUint64) return metadata.require<std::uint64_t>(key);
    return is_float(element) ? number(metadata.require<double>(key)) : Json(metadata.require<std::int64_t>(key));
  }
  Json all = Json::array();
  if (element == ValueType::kString) {
    for (const std::string_view text : metadata.strings(key)) all.push_back(text);
  } else if (is_float(element)) {
    for (const float x : metadata.floats(key)) all.push_back(number(static_cast<double>(x)));
  } else {
    for (const std::int64_t x : metadata.integers(key)) all.push_back(x);
  }
  return all;
}

Json describe(const Metadata& metadata, const MetadataEntry& entry) {
  Json json;
  json["key"] = entry.key;
  json["type"] = static_cast<std::uint32_t>(entry.value.type);
  json["element"] = static_cast<std::uint32_t>(entry.value.element);
  json["count"] = entry.value.count;
  json["sha256"] = hash(entry.value.bytes);
  try {
    const Json value = value_of(metadata, entry);
    // Throws if the text is not UTF-8.
    std::ignore = value.dump();
    json["value"] = value;
  } catch (const Error&) {
    json["value"] = nullptr;
  } catch (const Json::type_error&) {
    json["value"] = nullptr;
  }
  return json;
}

Json describe(const TensorInfo& tensor, std::span<const std::byte> file) {
  Json json;
  json["name"] = hash(std::as_bytes(std::span(tensor.name)));
  json["type"] = static_cast<std::uint32_t>(tensor.type);
  json["dims"] = tensor.dims;
  json["offset"] = tensor.data.data() - file.data();
  json["bytes"] = tensor.data.size();
  json["sha256"] = hash(tensor.data);
  return json;
}

Json read(const std::string& path) {
  Json json;
  json["file"] = path;
  try {
    // open() makes checks that parse() does not, and parse() says where data lies, so call both.
    const File whole = File::open(path);
    const MappedFile mapping(path);
    const Parsed parsed = parse(mapping.bytes(), path);
    json["version"] = parsed.version;
    json["keys"] = Json::array();
    for (const MetadataEntry& entry : parsed.metadata.entries())
      json["keys"].push_back(describe(parsed.metadata, entry));
    json["tensors"] = Json::array();
    for (const TensorInfo& tensor : parsed.tensors) json["tensors"].push_back(describe(tensor, mapping.bytes()));
  } catch (const Error& error) {
    json["error"] = error.what();
    json["kind"] = to_string(error.kind());
  }
  return json;
}

}  // namespace
}  // namespace pith::gguf

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) std::printf("%s\n", pith::gguf::read(argv[i]).dump().c_str());
  return 0;
}
