#pragma once

#include <algorithm>
#include <cctype>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pith::test {

/// The contents of an XML document, in order. Parses enough to tell that a browser would accept it. The constructor
/// throws std::runtime_error for tags that do not balance, attributes that are not name="value", and a stray '<' or
/// '&'.
class Xml {
 public:
  explicit Xml(std::string_view document) : rest_(document) {
    while (!rest_.empty()) {
      if (rest_.front() == '<') {
        take_tag();
      } else {
        take_text();
      }
    }
    if (!open_.empty()) throw std::runtime_error("not closed: " + open_.back());
  }

  struct Element {
    std::string name;
    std::string attributes;
    std::string text;

    /// Returns the value of an attribute that must be present.
    std::string value(const std::string& name_wanted) const {
      std::smatch match;
      const std::regex pattern(" " + name_wanted + "=\"([^\"]*)\"");
      if (!std::regex_search(attributes, match, pattern)) throw std::runtime_error(name + " has no " + name_wanted);
      return match[1];
    }
    double number(const std::string& name_wanted) const { return std::stod(value(name_wanted)); }
  };

  const std::vector<Element>& elements() const { return elements_; }
  std::vector<Element> all(std::string_view name) const {
    std::vector<Element> found;
    std::copy_if(elements_.begin(), elements_.end(), std::back_inserter(found),
                 [&](const Element& element) { return element.name == name; });
    return found;
  }
  /// Returns the contents of the elements of this name, with entities resolved.
  std::vector<std::string> texts(std::string_view name = "text") const {
    std::vector<std::string> found;
    for (const Element& element : all(name)) found.push_back(element.text);
    return found;
  }
  bool has_text(std::string_view text, std::string_view name = "text") const {
    const std::vector<std::string> found = texts(name);
    return std::find(found.begin(), found.end(), text) != found.end();
  }

 private:
  void take_tag() {
    static const std::regex tag(R"re(<(/?)([a-z]+)((?: [A-Za-z][A-Za-z0-9-]*="[^"<]*")*)(/?)>)re");
    const std::size_t end = rest_.find('>');
    if (end == std::string_view::npos) throw std::runtime_error("a tag without end");
    const std::string text(rest_.substr(0, end + 1));
    std::smatch match;
    if (!std::regex_match(text, match, tag)) throw std::runtime_error("not a tag: " + text);
    resolve(match[3].str());
    if (match[1].length() != 0) {
      if (open_.empty() || open_.back() != match[2]) throw std::runtime_error("closes what is not open: " + text);
      open_.pop_back();
      places_.pop_back();
    } else {
      if (open_.empty() && !elements_.empty()) throw std::runtime_error("a second root: " + text);
      elements_.push_back({match[2], match[3], ""});
      if (match[4].length() == 0) {
        open_.push_back(match[2]);
        places_.push_back(elements_.size() - 1);
      }
    }
    rest_.remove_prefix(end + 1);
  }

  void take_text() {
    const std::size_t end = std::min(rest_.find('<'), rest_.size());
    const std::string text = resolve(std::string(rest_.substr(0, end)));
    const bool blank = std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isspace(c) != 0; });
    if (open_.empty() && !blank) throw std::runtime_error("text outside of the root: " + text);
    if (!open_.empty() && !blank) elements_[places_.back()].text += text;
    rest_.remove_prefix(end);
  }

  static std::string resolve(const std::string& text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] != '&') {
        result += text[at];
        continue;
      }
      const std::string entity = text.substr(at, text.find(';', at) - at + 1);
      if (entity == "&amp;") {
        result += '&';
      } else if (entity == "&lt;") {
        result += '<';
      } else if (entity == "&gt;") {
        result += '>';
      } else if (entity == "&quot;") {
        result += '"';
      } else if (entity == "&#39;") {
        result += '\'';
      } else {
        throw std::runtime_error("not an entity: " + entity);
      }
      at += entity.size() - 1;
    }
    return result;
  }

  std::string_view rest_;
  std::vector<Element> elements_;
  std::vector<std::string> open_;
  std::vector<std::size_t> places_;
};

}  // namespace pith::test
