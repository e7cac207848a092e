#include <gtest/gtest.h>
#include <pith/pith.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "support/paths.h"

// Manifests come from wherever models come from, so malformed ones are refused and named.
namespace pith::test {
namespace {

using Json = nlohmann::ordered_json;

Manifest small_manifest() {
  const std::string digest(64, 'a');
  Manifest manifest;
  manifest.files.push_back({"m.gguf", 1234, digest});
  manifest.metadata.push_back({"general.name", "string", digest});
  manifest.metadata.push_back({"llama.block_count", "uint32", std::string(64, '0')});
  manifest.tensors.push_back({"token_embd.weight", "Q4_0", {64, 128}, digest});
  return manifest;
}

/// Returns the reason for refusing the text; empty if it is a manifest.
std::string why_refused(const std::string& text) {
  try {
    parse_manifest(text, "m.json");
  } catch (const Error& error) {
    std::string what = error.what();
    EXPECT_EQ(error.kind(), ErrorKind::kFormat) << what;
    EXPECT_EQ(what.rfind("m.json", 0), 0U) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    EXPECT_LT(what.size(), 500U) << what;
    return what;
  }
  return "";
}

void expect_refused_change(const std::function<void(Json&)>& change, const std::string& part) {
  Json json = Json::parse(to_json(small_manifest()));
  change(json);
  const std::string why = why_refused(json.dump());
  EXPECT_NE(why.find(part), std::string::npos) << "no '" << part << "' in '" << why << "' about " << json.dump();
}

TEST(ManifestJson, TheSoundOneIsRead) { EXPECT_EQ(why_refused(to_json(small_manifest())), ""); }

TEST(ManifestJson, WhatIsNone) {
  EXPECT_NE(why_refused(""), "");
  EXPECT_NE(why_refused("GGUF\x03\x01"), "");
  EXPECT_NE(why_refused("[]").find("is no manifest"), std::string::npos);
  EXPECT_NE(why_refused("{\"version\": 1}").find("is no manifest"), std::string::npos);
  EXPECT_NE(why_refused(to_json(small_manifest()) + "x").find("is no JSON"), std::string::npos);
  EXPECT_NE(why_refused("{\"format\": 1e999}"), "");
  EXPECT_NE(why_refused(to_json(small_manifest()) + std::string("\0 {", 3)).find("is no JSON"), std::string::npos);
  EXPECT_NE(why_refused("\xEF\xBB\xBF" + to_json(small_manifest())).find("is no JSON"), std::string::npos);
  const std::string text = to_json(small_manifest());
  for (std::size_t size = 0; size + 1 < text.size(); ++size) EXPECT_NE(why_refused(text.substr(0, size)), "") << size;
}

TEST(ManifestJson, OtherVersions) {
  expect_refused_change([](Json& j) { j["version"] = 2; }, "version 2, pith reads 1");
  expect_refused_change([](Json& j) { j["version"] = "1"; }, "version");
  expect_refused_change([](Json& j) { j["version"] = 1.0; }, "version 1.0, pith reads 1");
  expect_refused_change([](Json& j) { j["format"] = "other"; }, "is no manifest");
}

TEST(ManifestJson, FieldsMissingUnknownOrOfAnotherType) {
  for (const char* field : {"files", "metadata", "tensors"}) {
    expect_refused_change([&](Json& j) { j.erase(field); }, field);
    expect_refused_change([&](Json& j) { j[field] = 7; }, field);
  }
  expect_refused_change([](Json& j) { j["more"] = 1; }, "\"more\", which version 1 does not know");
  expect_refused_change([](Json& j) { j["files"][0] = "m.gguf"; }, "file 0 is no object");
  expect_refused_change([](Json& j) { j["files"] = Json::array(); }, "names no file");
  expect_refused_change([](Json& j) { j["files"][0]["bytes"] = -1; }, "\"bytes\" is no whole number");
  expect_refused_change([](Json& j) { j["files"][0]["bytes"] = 1.5; }, "\"bytes\"");
  expect_refused_change([](Json& j) { j["tensors"][0]["name"] = ""; }, "\"name\" is empty");
  expect_refused_change([](Json& j) { j["tensors"][0]["name"] = nullptr; }, "\"name\" is no string");
  expect_refused_change([](Json& j) { j["tensors"][0].erase("sha256"); }, "tensor 0 has no field \"sha256\"");
  expect_refused_change([](Json& j) { j["tensors"][0]["shape"] = Json::array(); }, "0 dimensions");
  expect_refused_change([](Json& j) { j["tensors"][0]["shape"] = {1, 2, 3, 4, 5}; }, "5 dimensions");
  expect_refused_change([](Json& j) { j["tensors"][0]["shape"] = {"64"}; }, "\"shape\" is no whole number");
}

TEST(ManifestJson, DigestsThatAreNone) {
  for (const std::string& digest :
       {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'), std::string(64, 'g')}) {
    expect_refused_change([&](Json& j) { j["tensors"][0]["sha256"] = digest; }, "hexadecimal");
    expect_refused_change([&](Json& j) { j["files"][0]["sha256"] = digest; }, "hexadecimal");
    expect_refused_change([&](Json& j) { j["metadata"]["keys"][0]["sha256"] = digest; }, "hexadecimal");
  }
  expect_refused_change([](Json& j) { j["metadata"]["keys"][0]["sha256"] = std::string(64, 'b'); },
                        "not the one of its keys");
}

TEST(ManifestJson, NothingIsThereTwice) {
  expect_refused_change([](Json& j) { j["tensors"].push_back(j["tensors"][0]); },
                        "\"token_embd.weight\" is there twice");
  expect_refused_change([](Json& j) { j["metadata"]["keys"].push_back(j["metadata"]["keys"][0]); },
                        "\"general.name\" is there twice");
  std::string text = to_json(small_manifest());
  text.insert(text.find("\"version\""), "\"version\": 1, ");
  EXPECT_NE(why_refused(text).find("\"version\" is there twice"), std::string::npos);
}

/// Takes a moment. Quadratic time would take seconds, which no assertion here checks.
TEST(ManifestJson, ManyTensorsAreRead) {
  constexpr std::size_t kTensors = 200000;
  std::string text = "[{\"a\":\"b\"}";
  for (std::size_t i = 1; i < kTensors; ++i) text += ",{\"a\":\"b\"}";
  EXPECT_NE(why_refused(text + "]").find("is no manifest"), std::string::npos);
}

TEST(ManifestJson, TooMuchOfAnything) {
  EXPECT_NE(why_refused(std::string(100000, '[')).find("nested deeper"), std::string::npos);
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "{\"a\":";
  EXPECT_NE(why_refused(deep).find("nested deeper"), std::string::npos);
  EXPECT_NE(why_refused(std::string(std::size_t{17} << 20, ' ')).find("at most"), std::string::npos);
  std::string many = "[0";
  for (int i = 0; i < 2000000; ++i) many += ",0";
  EXPECT_NE(why_refused(many + "]").find("more than"), std::string::npos);
  std::string fields = "{\"x\":0";
  for (int i = 0; i < 100000; ++i) fields += ",\"" + std::to_string(i) + "\":0";
  EXPECT_NE(why_refused(fields + "}").find("more than 16 fields"), std::string::npos);
}

TEST(ManifestJson, AnyByteSetToAnything) {
  const std::string sound = to_json(small_manifest());
  std::mt19937 random(5);
  for (int round = 0; round < (PITH_SANITIZED != 0 ? 2000 : 20000); ++round) {
    std::string text = sound;
    for (unsigned i = 0; i < 1 + random() % 3; ++i) text[random() % text.size()] = static_cast<char>(random());
    why_refused(text);
  }
}

TEST(ManifestJson, OnlyWhatCouldBeReadBackIsWritten) {
  const TempDir folder;
  const auto refused = [&](const Manifest& manifest) {
    try {
      write_manifest(manifest, folder / "m.json");
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kInvalidArgument && !std::filesystem::exists(folder / "m.json");
    }
    return false;
  };
  Manifest manifest = small_manifest();
  manifest.tensors[0].name = "\xFF\xFE";
  EXPECT_TRUE(refused(manifest));
  manifest = small_manifest();
  manifest.tensors[0].sha256 = "none";
  EXPECT_TRUE(refused(manifest));
  EXPECT_FALSE(refused(small_manifest()));
}

TEST(ManifestJson, FilesThatAreMissingOrTooLong) {
  const TempDir folder;
  const auto kind = [&] {
    try {
      read_manifest(folder / "m.json");
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  EXPECT_EQ(kind(), ErrorKind::kIo);
  write_manifest(small_manifest(), folder / "m.json");
  std::filesystem::resize_file(folder / "m.json", std::uintmax_t{1} << 40);
  EXPECT_EQ(kind(), ErrorKind::kFormat);
}

}  // namespace
}  // namespace pith::test
