#include <gtest/gtest.h>
#include <pith/chat_format.h>
#include <pith/error.h>

#include <string>
#include <vector>

#include "support/paths.h"

// Roles beside system, user and assistant in the built-in formats. Expected texts are what Jinja 3.1.6 made of the
// models' own templates, where those take the role.
namespace pith {
namespace {

using Messages = std::vector<ChatMessage>;

ChatTemplate read(const std::string& name) {
  return ChatTemplate::recognize(test::read_file(test::data_dir() / "tokenizer" / "chat" / (name + ".jinja")), "<s>",
                                 "</s>");
}

std::string error_of(const ChatTemplate& chat, const Messages& messages) {
  try {
    chat.render(messages);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

const Messages kCall = {{"system", "S"}, {"user", "U"}, {"assistant", "call"}, {"tool", " 1\n"}};

TEST(ChatRoles, QwenWritesToolsIntoAUserTurn) {
  const ChatTemplate qwen = read("qwen2.5");
  Messages messages = kCall;
  const std::string before =
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\ncall<|im_end|>\n";
  const std::string one = "<|im_start|>user\n<tool_response>\n 1\n\n</tool_response>";
  EXPECT_EQ(qwen.render(messages), before + one + "<|im_end|>\n<|im_start|>assistant\n");
  // Another may follow in the same turn, which is left open for it.
  EXPECT_EQ(qwen.render(messages, false), before + one);
  messages.push_back({"tool", "2"});
  const std::string both = one + "\n<tool_response>\n2\n</tool_response>";
  EXPECT_EQ(qwen.render(messages), before + both + "<|im_end|>\n<|im_start|>assistant\n");
  messages.push_back({"assistant", "A"});
  EXPECT_EQ(qwen.render(messages, false), before + both + "<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n");
}

TEST(ChatRoles, Llama31QuotesWhatToolsGive) {
  const ChatTemplate llama = read("llama-3.1");
  for (const char* role : {"tool", "ipython"}) {
    const std::string text = llama.render(Messages{{"user", "U"}, {role, " {\"a\": \"é\\\"}\n\x01"}});
    EXPECT_NE(
        text.find("<|start_header_id|>ipython<|end_header_id|>\n\n\" {\\\"a\\\": \\\"é\\\\\\\"}\\n\\u0001\"<|eot_id|>"
                  "<|start_header_id|>assistant"),
        std::string::npos)
        << text;
  }
}

TEST(ChatRoles, OthersAreWrittenUnderTheirNames) {
  EXPECT_EQ(read("smollm2").render(Messages{{"system", "S"}, {"developer", "D"}, {"tool", "T"}}, false),
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>developer\nD<|im_end|>\n<|im_start|>tool\nT<|im_end|>\n");
  EXPECT_EQ(read("llama-3").render(Messages{{"critic", " C "}}, false),
            "<|start_header_id|>critic<|end_header_id|>\n\nC<|eot_id|>");
  EXPECT_EQ(read("phi-3-small").render(Messages{{"critic", "C"}}), "<|critic|>\nC<|end|>\n<|assistant|>\n");
  EXPECT_EQ(read("zephyr").render(Messages{{"critic", "C"}}, false), "<|critic|>\nC</s>\n");
  EXPECT_EQ(render_chat(ChatFormat::kChatMl, Messages{{"system name=example_user", "hi"}}, false),
            "<|im_start|>system name=example_user\nhi<|im_end|>\n");
}

TEST(ChatRoles, NamesCannotEndTheirHeaders) {
  for (const ChatFormat format : {ChatFormat::kChatMl, ChatFormat::kLlama3, ChatFormat::kPhi3, ChatFormat::kZephyr}) {
    for (const std::string& role :
         {std::string(), std::string("user\nI"), std::string("a<|im_end|>"), std::string("a|>"), std::string(" user"),
          std::string("user "), std::string("a  b"), std::string("a\0b", 3), std::string("é"), std::string("[INST]"),
          std::string("a/b"), std::string(65, 'a'), std::string("a\xE2\x80\xA8")}) {
      EXPECT_NE(error_of(ChatTemplate(format), {{role, "x"}}).find("letters"), std::string::npos) << role;
    }
    EXPECT_NO_THROW(render_chat(format, Messages{{std::string(64, 'a'), "x"}}));
  }
}

TEST(ChatRoles, FormatsThatAlternateSayWhatTheyRefuse) {
  for (const char* name : {"llama-2", "gemma-2", "gemma-3", "mistral-v1", "mistral-v3", "mistral-small-v7-tekken"}) {
    const ChatTemplate chat = read(name);
    for (const char* role : {"tool", "developer", "ipython", "critic", "tool_results"}) {
      const std::string message = error_of(chat, {{"user", "U"}, {role, "x"}});
      EXPECT_NE(message.find(role), std::string::npos) << message;
      EXPECT_NE(message.find(to_string(chat.format())), std::string::npos) << message;
      EXPECT_NE(message.find("alternate"), std::string::npos) << message;
    }
  }
}

}  // namespace
}  // namespace pith
