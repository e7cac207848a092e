// What it costs and what it leaves to put documents together that were read apart: sessions of a text's pieces are
// appended in random orders, and a question is fed behind them. Each document hides a number; the question asks for
// one. Beside it: all of it fed in that order. KL divergence is that of the predictions from there on, over the
// question and the answer.
//
// usage: documents MODEL TEXT [NAME=VALUE...], with the names of Arguments below; lists are separated by commas.
#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "sessions/arguments.h"
#include "sessions/inputs.h"

namespace {

using Tokens = std::vector<pith::Token>;

struct Arguments {
  std::string kv = "int8";
  int documents = 7;
  int tokens = 1000;  ///< Of each document, about.
  int orders = 6;     ///< In which they are put together, each with another question.
  std::vector<std::string> seams = {"0", "16", "64", "256"};
};

Arguments parse(std::span<char*> words) {
  Arguments arguments;
  const auto number = [](int& to) { return [&to](const std::string& value) { to = std::stoi(value); }; };
  pith::bench::parse(words,
                     {
                         {"kv", [&](const std::string& value) { arguments.kv = value; }},
                         {"documents", number(arguments.documents)},
                         {"tokens", number(arguments.tokens)},
                         {"orders", number(arguments.orders)},
                         {"seams", [&](const std::string& value) { arguments.seams = pith::bench::split(value); }},
                     });
  if (arguments.documents < 1 || arguments.tokens < 100 || arguments.orders < 1)
    throw std::invalid_argument("at least one document of 100 tokens and one order are needed");
  return arguments;
}

const std::vector<std::string>& names() {
  static const std::vector<std::string> all = {"Anna",  "Bruno", "Clara", "David", "Emma",
                                               "Felix", "Greta", "Henry", "Irene", "Jacob"};
  return all;
}

/// A document that says somebody's number in its middle.
struct Document {
  std::string name;
  int number = 0;
  Tokens tokens;
};

std::vector<Document> documents_of(const pith::Model& model, const std::string& path, const Arguments& arguments) {
  const pith::Tokenizer& tokenizer = model.tokenizer();
  const Tokens all = pith::bench::tokens_of(model, path);
  const auto each = static_cast<std::size_t>(arguments.tokens);
  std::vector<Document> documents;
  std::mt19937 engine(1);
  for (std::size_t i = 0; i < static_cast<std::size_t>(arguments.documents); ++i) {
    if ((i + 1) * each > all.size()) throw std::invalid_argument(path + ": is too short for so many documents");
    Document document{names()[i % names().size()], static_cast<int>(10000 + engine() % 90000), {}};
    const std::span<const pith::Token> piece = std::span(all).subspan(i * each, each);
    const std::size_t half = each / 2;
    const Tokens said =
        tokenizer.encode(fmt::format("\nThe secret number of {} is {}. Remember it.\n", document.name, document.number),
                         {.add_special = false, .parse_special = false});
    if (tokenizer.bos() >= 0) document.tokens.push_back(tokenizer.bos());
    document.tokens.insert(document.tokens.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(half));
    document.tokens.insert(document.tokens.end(), said.begin(), said.end());
    document.tokens.insert(document.tokens.end(), piece.begin() + static_cast<std::ptrdiff_t>(half), piece.end());
    documents.push_back(std::move(document));
  }
  return documents;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Predictions after each token of a question and its answer.
using Predictions = std::vector<std::vector<float>>;

Predictions predictions_after(pith::Session& session, const Tokens& question) {
  Predictions predictions;
  session.feed_logits(
      question, [&](int, std::span<const float> logits) { predictions.emplace_back(logits.begin(), logits.end()); });
  return predictions;
}

std::vector<double> log_softmax(const std::vector<float>& logits) {
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  std::vector<double> result;
  result.reserve(logits.size());
  for (const float logit : logits) result.push_back(static_cast<double>(logit) - largest - std::log(sum));
  return result;
}

double mean_kl(const Predictions& expected, const Predictions& got) {
  double total = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::vector<double> p = log_softmax(expected[i]);
    const std::vector<double> q = log_softmax(got[i]);
    for (std::size_t v = 0; v < p.size(); ++v) total += std::exp(p[v]) * (p[v] - q[v]);
  }
  return total / static_cast<double>(expected.size());
}

/// Whether each token of the answer is the likeliest one after those before it.
bool answers(const Predictions& predictions, const Tokens& question, std::size_t answer) {
  for (std::size_t i = question.size() - answer; i < question.size(); ++i) {
    const std::vector<float>& before = predictions[i - 1];
    if (std::max_element(before.begin(), before.end()) - before.begin() != question[i]) return false;
  }
  return true;
}

/// One way of putting documents together, over all orders.
struct Row {
  std::string name;
  double kl = 0.0;
  int right = 0;
  double seconds = 0.0;
};

class Library {
 public:
  Library(const pith::Model& model, const Arguments& arguments, std::vector<Document> documents)
      : model_(model), arguments_(arguments), documents_(std::move(documents)) {
    for (const Document& document : documents_) {
      sessions_.push_back(session());
      sessions_.back().feed(document.tokens);
    }
  }

  void run() const {
    std::vector<Row> rows = {{"fed"}};
    for (const std::string& seam : arguments_.seams) rows.push_back({"appended, seam " + seam});
    std::mt19937 engine(2);
    std::vector<std::size_t> order(documents_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (int round = 0; round < arguments_.orders; ++round) {
      std::shuffle(order.begin(), order.end(), engine);
      const Document& asked = documents_[order[engine() % order.size()]];
      measure(order, asked, rows);
      fmt::print(stderr, "{} of {} orders\r", round + 1, arguments_.orders);
    }
    fmt::print("{:<24} {:>10} {:>9} {:>12}\n", "documents", "KL", "right", "seconds");
    for (const Row& row : rows) {
      fmt::print("{:<24} {:>10.5f} {:>4} of {:<2} {:>12.3f}\n", row.name, row.kl / arguments_.orders, row.right,
                 arguments_.orders, row.seconds / arguments_.orders);
    }
  }

 private:
  pith::Session session() const {
    return pith::Session(model_, {.kv = {.key = arguments_.kv}, .context = model_.info().context_trained});
  }

  void measure(const std::vector<std::size_t>& order, const Document& asked, std::vector<Row>& rows) const {
    const pith::Tokenizer& tokenizer = model_.tokenizer();
    const pith::EncodeOptions plain{.add_special = false, .parse_special = false};
    const Tokens answer = tokenizer.encode(fmt::format(" {}", asked.number), plain);
    Tokens question = tokenizer.encode(
        fmt::format("\nWhat is the secret number of {0}? The secret number of {0} is", asked.name), plain);
    question.insert(question.end(), answer.begin(), answer.end());
    const std::size_t bos = tokenizer.bos() >= 0 ? 1 : 0;

    auto start = std::chrono::steady_clock::now();
    pith::Session fed = session();
    Tokens all;
    for (const std::size_t i : order) {
      const auto begin = documents_[i].tokens.begin() + (all.empty() ? 0 : static_cast<std::ptrdiff_t>(bos));
      all.insert(all.end(), begin, documents_[i].tokens.end());
    }
    fed.feed(all);
    rows[0].seconds += seconds_since(start);
    const Predictions expected = predictions_after(fed, question);
    rows[0].right += answers(expected, question, answer.size()) ? 1 : 0;
    for (std::size_t s = 0; s < arguments_.seams.size(); ++s) {
      Row& row = rows[s + 1];
      start = std::chrono::steady_clock::now();
      pith::Session appended = session();
      for (const std::size_t i : order) {
        // The first document stands where it stood when it was read.
        const bool first = appended.position() == 0;
        appended.append(sessions_[i], {.skip = first ? 0 : bos, .seam = first ? 0 : std::stoul(arguments_.seams[s])});
      }
      row.seconds += seconds_since(start);
      const Predictions got = predictions_after(appended, question);
      row.kl += mean_kl(expected, got);
      row.right += answers(got, question, answer.size()) ? 1 : 0;
    }
  }

  const pith::Model& model_;
  const Arguments& arguments_;
  std::vector<Document> documents_;
  std::vector<pith::Session> sessions_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) throw std::invalid_argument("usage: documents MODEL TEXT [NAME=VALUE...]");
  const Arguments arguments = parse(std::span(argv, static_cast<std::size_t>(argc)).subspan(3));
  const pith::Model model = pith::Model::load(argv[1]);
  Library(model, arguments, documents_of(model, argv[2], arguments)).run();
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
