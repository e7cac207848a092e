#include <fmt/format.h>
#include <pith/pith.h>

#include <memory>
#include <string>
#include <vector>

#include "tools/command.h"
#include "tools/files.h"
#include "tools/output.h"

namespace pith::tools {
namespace {

struct TokenizeArgs {
  std::string model;
  bool ids_only = false;
  bool no_special = false;
};

/// The bytes of a token as one visible word: quoted, what is not printable ASCII or whole UTF-8 escaped.
std::string quoted(const Tokenizer& tokenizer, Token token) {
  const std::string bytes = tokenizer.piece(token, true);
  // A piece of a character would be lost in JSON's text.
  const Json json = bytes;
  try {
    return json.dump();
  } catch (const Json::type_error&) {
    std::string escaped = "\"";
    for (const char byte : bytes) escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    return escaped + "\"";
  }
}

void tokenize(const TokenizeArgs& args) {
  const std::string text = read_text("-");
  const Tokenizer tokenizer = Tokenizer::load(args.model);
  const bool special = !args.no_special;
  const std::vector<Token> tokens = tokenizer.encode(text, {.add_special = special, .parse_special = special});
  if (args.ids_only) return write_output(fmt::format("{}\n", fmt::join(tokens, " ")));
  for (const Token token : tokens) write_output(fmt::format("{:>7} {}\n", token, quoted(tokenizer, token)));
}

}  // namespace

void add_tokenize(Command& app, Action& action) {
  auto* command = app.add_subcommand("tokenize", "Turn standard input into tokens: id and piece, one per line");
  const auto args = std::make_shared<TokenizeArgs>();
  command->add_option("-m,--model", args->model, "A GGUF file; only its vocabulary is read, and it may hold no weights")
      ->required()
      ->type_name("FILE");
  command->add_flag("--ids", args->ids_only, "Print only the ids, all in one line");
  command->add_flag("--no-special", args->no_special,
                    "Add no special tokens (BOS), and take those written in the text as plain text");
  command->callback([args, &action] { action = [args] { tokenize(*args); }; });
}

}  // namespace pith::tools
