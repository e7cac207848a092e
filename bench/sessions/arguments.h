#pragma once

#include <functional>
#include <map>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace pith::bench {

/// Words of a list that is separated by commas.
inline std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream in(list + ",");
  for (std::string word; std::getline(in, word, ',');) words.push_back(word);
  return words;
}

/// What takes the value of each NAME=VALUE.
using Names = std::map<std::string, std::function<void(const std::string&)>>;

/// Throws std::invalid_argument for a word that is not NAME=VALUE with one of these names.
inline void parse(std::span<char*> words, const Names& names) {
  for (const std::string word : words) {
    const std::size_t equals = word.find('=');
    const auto found = names.find(word.substr(0, equals));
    if (equals == std::string::npos || found == names.end())
      throw std::invalid_argument("unknown argument '" + word + "'");
    found->second(word.substr(equals + 1));
  }
}

}  // namespace pith::bench
