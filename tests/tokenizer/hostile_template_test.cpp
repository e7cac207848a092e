#include <gtest/gtest.h>
#include <pith/chat_format.h>
#include <pith/error.h>

#include <string>

// Chat templates that are not what anybody would write: recognized or not, in time and memory that are in proportion.
// As built-in formats and, where the build has Jinja, as programs (tests/jinja/hostile_test.cpp has more of those).
namespace pith {
namespace {

constexpr std::size_t kLongTemplate = 10'000'000 / (PITH_SANITIZED != 0 ? 20 : 1);

std::string repeated(std::string_view part) {
  std::string text;
  text.reserve(kLongTemplate);
  while (text.size() + part.size() <= kLongTemplate) text.append(part);
  return text;
}

/// Whatever it was taken for writes a conversation, or says that it has no format. A program may write anything.
void expect_renders(const std::string& jinja) {
  const ChatTemplate style = ChatTemplate::recognize(jinja);
  const std::vector<ChatMessage> messages = {{"system", "be kind"}, {"user", "hello"}, {"assistant", "hi"}};
  if (style.format() == ChatFormat::kNone) {
    EXPECT_THROW(style.render(messages), Error);
  } else {
    EXPECT_NE(style.render(messages).find("hello"), std::string::npos);
  }
  const ChatTemplate program = ChatTemplate::read(jinja);
  try {
    program.render(messages);
  } catch (const Error& error) {
    EXPECT_NE(error.kind(), ErrorKind::kInternal) << error.what();
  }
}

TEST(HostileTemplate, DeepNesting) {
  for (const char* part : {"{{", "{%", "{% if x %}", "{% for m in messages %}", "((((", "{{ (", "[[", "{#", "{{'{{'"}) {
    expect_renders(repeated(part));
    for (const char* mark : {"<|im_start|>", "[INST]", "[INST]<<SYS>>", "<|start_header_id|>", "<start_of_turn>"}) {
      expect_renders(mark + repeated(part));
    }
  }
}

TEST(HostileTemplate, MillionsOfLiterals) {
  for (const char* mark : {"{{<|im_start|>", "{{[INST]", "{{[INST][SYSTEM_PROMPT]"}) {
    for (const char* part : {"''", "\"\"", "'a'", "'<|im_start|>", "'\\'", "\\'"}) {
      expect_renders(mark + repeated(part));
    }
  }
}

TEST(HostileTemplate, InvalidUtf8AndZeros) {
  for (const std::string& text : {std::string("<|im_start|>\xFF\xC3("), std::string("<|im_start|>\0{{'\0", 17),
                                  std::string("{{'\\"), std::string("{"), std::string("'"), std::string()}) {
    expect_renders(text);
  }
  EXPECT_EQ(ChatTemplate::read(repeated("\xFF")).format(), ChatFormat::kNone);
}

}  // namespace
}  // namespace pith
