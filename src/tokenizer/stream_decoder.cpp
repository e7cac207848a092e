#include <pith/tokenizer.h>

#include "tokenizer/utf8.h"

namespace pith {

using tokenizer::kReplacement;
using tokenizer::scan_utf8;
using tokenizer::Utf8Scan;

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool special, bool at_start)
    : tokenizer_(&tokenizer), special_(special), at_start_(at_start) {}

std::string StreamDecoder::push(Token token) {
  held_.append(tokenizer_->continued(token, special_, at_start_));
  std::string whole;
  std::size_t at = 0;
  while (at < held_.size()) {
    const Utf8Scan scan = scan_utf8(held_, at);
    if (scan.state == Utf8Scan::State::kIncomplete) break;
    if (scan.state == Utf8Scan::State::kWhole) {
      whole.append(held_, at, scan.size);
    } else {
      whole.append(kReplacement);
    }
    at += scan.size;
  }
  held_.erase(0, at);
  return whole;
}

std::string StreamDecoder::finish() {
  const std::string_view rest = held_.empty() ? std::string_view() : kReplacement;
  held_.clear();
  return std::string(rest);
}

}  // namespace pith
