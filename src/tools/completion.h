#pragma once

#include <string>
#include <string_view>

#include "tools/option_table.h"

// Completion scripts, generated from the option table. They stand alone: pith itself is not called while a line is
// being typed.
namespace pith::tools {

/// For bash 4 and later, with or without the package bash-completion.
std::string bash_completion(const CommandRow& root);
/// For zsh's completion system: the file _pith in a folder of $fpath.
std::string zsh_completion(const CommandRow& root);
std::string fish_completion(const CommandRow& root);

/// What is shown beside a name: a help text up to its details.
std::string short_help(std::string_view help);
/// Text in single quotes, as bash and zsh read it back.
std::string shell_quoted(std::string_view text);

}  // namespace pith::tools
