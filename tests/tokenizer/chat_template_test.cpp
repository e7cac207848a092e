#include <gtest/gtest.h>
#include <pith/chat_format.h>
#include <pith/error.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "jinja/template.h"
#include "support/paths.h"
#include "tokenizer/vocab_fixture.h"

namespace pith {
namespace {

using Messages = std::vector<ChatMessage>;

std::string read_template(const std::string& name) {
  return test::read_file(test::data_dir() / "tokenizer" / "chat" / (name + ".jinja"));
}

Messages messages_of(const nlohmann::json& conversation) {
  Messages messages;
  for (const auto& message : conversation) messages.push_back({message["role"], message["content"]});
  return messages;
}

ErrorKind error_of(ChatFormat format, const Messages& messages) {
  try {
    render_chat(format, messages);
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::kInternal;
}

const Messages kDialogue = {{"system", "Be brief."}, {"user", "Hello"}, {"assistant", "Hi"}, {"user", "Bye"}};

/// Compares renderings with golden.json: what Jinja renders of the models' own templates.
void expect_golden(const nlohmann::json& golden, const nlohmann::json& expected, const ChatTemplate& chat,
                   const std::string& name) {
  EXPECT_EQ(to_string(chat.format()), expected["format"].get<std::string>()) << name;
  for (const auto& one : expected["cases"]) {
    const Messages messages = messages_of(golden["conversations"][one["conversation"].get<std::size_t>()]);
    const bool open_reply = one["open_reply"];
    if (one["text"].is_null()) {
      EXPECT_THROW(chat.render(messages, open_reply), Error) << name << ' ' << one["conversation"];
    } else {
      EXPECT_EQ(chat.render(messages, open_reply), one["text"].get<std::string>())
          << name << ' ' << one["conversation"];
    }
  }
}

// Run as a program where the build has Jinja, and as a built-in format.
TEST(ChatTemplate, RendersAsTheTemplatesDo) {
  const nlohmann::json golden = test::read_tokenizer_data("chat/golden.json");
  ASSERT_GE(golden["templates"].size(), 20U);
  for (const auto& [name, expected] : golden["templates"].items()) {
    const auto bos = expected["bos"].get<std::string>();
    const auto eos = expected["eos"].get<std::string>();
    const ChatTemplate chat = ChatTemplate::read(read_template(name), bos, eos);
    EXPECT_EQ(chat.is_jinja(), jinja::is_built());
    expect_golden(golden, expected, chat, name);
    expect_golden(golden, expected, ChatTemplate::recognize(read_template(name), bos, eos), name + ", built in");
  }
}

TEST(ChatTemplate, ReadsWhatIsNoFormatOfItsOwn) {
  if (!jinja::is_built()) GTEST_SKIP() << "built without Jinja (PITH_JINJA)";
  const ChatTemplate chat = ChatTemplate::read("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}");
  EXPECT_EQ(chat.format(), ChatFormat::kJinja);
  EXPECT_EQ(chat.render(kDialogue), "<system>Be brief.<user>Hello<assistant>Hi<user>Bye");
  const ChatInputs inputs{.tools = R"([{"name": "f"}])", .documents = "", .variables = R"({"mode": 2})", .now = {}};
  const std::vector<ChatMessage> messages = {{"user", "U", R"({"content": null, "extra": [1]})"}};
  EXPECT_EQ(ChatTemplate::read("{{ tools[0].name }}{{ mode }}{{ messages[0].content }}{{ messages[0].extra[0] }}")
                .render(messages, true, inputs),
            "f2None1");
  const ChatTemplate broken = ChatTemplate::read("a\n{% if %}");
  EXPECT_EQ(broken.format(), ChatFormat::kNone);
  EXPECT_THROW(broken.render(kDialogue), Error);
}

TEST(ChatTemplate, FindsDefaultSystemPrompts) {
  EXPECT_EQ(ChatTemplate::read(read_template("smollm2")).default_system(),
            "You are a helpful AI assistant named SmolLM, trained by Hugging Face");
  EXPECT_EQ(ChatTemplate::read(read_template("qwen2")).default_system(), "You are a helpful assistant");
  EXPECT_EQ(ChatTemplate::read(read_template("qwen2.5")).default_system(),
            "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
  EXPECT_EQ(ChatTemplate::read(read_template("chatml")).default_system(), std::nullopt);
  EXPECT_EQ(ChatTemplate::read(read_template("zephyr")).default_system(), std::nullopt);
  EXPECT_EQ(ChatTemplate::read(R"({{ "<|im_start|>system\nIt's \"so\"<|im_end|>\n" }})").default_system(),
            "It's \"so\"");
}

TEST(ChatTemplate, WritesSystemMessagesIntoTheFirstTurnWhereThereAreNone) {
  const ChatTemplate gemma = ChatTemplate::recognize(read_template("gemma-2"));
  EXPECT_EQ(gemma.render(kDialogue),
            "<start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n<start_of_turn>model\nHi<end_of_turn>\n"
            "<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n");
  const ChatTemplate mistral = ChatTemplate::recognize(read_template("mistral-v3"));
  EXPECT_EQ(mistral.render(kDialogue), "[INST] Be brief.\n\nHello[/INST] Hi</s>[INST] Bye[/INST]");
  const ChatTemplate phi = ChatTemplate::recognize(read_template("phi-3-mini-4k-first"));
  EXPECT_EQ(phi.render(kDialogue),
            "<|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nHi<|end|>\n<|user|>\nBye<|end|>\n"
            "<|assistant|>\n");
}

// A session's cache stays valid as a conversation grows.
TEST(ChatTemplate, RenderingsWithoutAnOpenReplyArePrefixes) {
  const nlohmann::json golden = test::read_tokenizer_data("chat/golden.json");
  for (const auto& [name, expected] : golden["templates"].items()) {
    const ChatTemplate chat = ChatTemplate::recognize(read_template(name));
    for (std::size_t count = 2; count <= kDialogue.size(); ++count) {
      const Messages fewer(kDialogue.begin(), kDialogue.begin() + static_cast<std::ptrdiff_t>(count));
      EXPECT_TRUE(chat.render(kDialogue).starts_with(chat.render(fewer, false))) << name << ' ' << count;
    }
  }
}

TEST(ChatTemplate, UsesTheModelsOwnEndTokens) {
  const ChatTemplate chat = ChatTemplate::read(read_template("zephyr"), "", "<|endoftext|>");
  EXPECT_EQ(chat.render(Messages{{"user", "Hello"}}), "<|user|>\nHello<|endoftext|>\n<|assistant|>\n");
}

TEST(ChatTemplate, PlainFormsOfAllFamilies) {
  const Messages hello = {{"system", "S"}, {"user", "U"}};
  EXPECT_EQ(render_chat(ChatFormat::kChatMl, hello),
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(render_chat(ChatFormat::kLlama2, hello), "[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST]");
  EXPECT_EQ(render_chat(ChatFormat::kLlama3, hello),
            "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nU"
            "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_EQ(render_chat(ChatFormat::kGemma, hello), "<start_of_turn>user\nS\n\nU<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_EQ(render_chat(ChatFormat::kMistral, hello), "[INST] S\n\nU [/INST]");
  EXPECT_EQ(render_chat(ChatFormat::kPhi3, hello), "<|system|>\nS<|end|>\n<|user|>\nU<|end|>\n<|assistant|>\n");
  EXPECT_EQ(render_chat(ChatFormat::kZephyr, hello), "<|system|>\nS</s>\n<|user|>\nU</s>\n<|assistant|>\n");
}

TEST(ChatTemplate, RefusesWhatItCannotWrite) {
  EXPECT_EQ(error_of(ChatFormat::kNone, kDialogue), ErrorKind::kUnsupported);
  EXPECT_THROW(ChatTemplate().render(kDialogue), Error);
  EXPECT_EQ(error_of(ChatFormat::kChatMl, {{"", "x"}}), ErrorKind::kInvalidArgument);
  for (const ChatFormat format : {ChatFormat::kLlama2, ChatFormat::kGemma, ChatFormat::kMistral}) {
    EXPECT_EQ(error_of(format, {{"assistant", "x"}}), ErrorKind::kInvalidArgument);
    EXPECT_EQ(error_of(format, {{"user", "x"}, {"user", "y"}}), ErrorKind::kInvalidArgument);
    EXPECT_EQ(error_of(format, {{"user", "x"}, {"system", "y"}}), ErrorKind::kInvalidArgument);
  }
}

TEST(ChatTemplate, EmptyConversationsOpenAReply) {
  EXPECT_EQ(render_chat(ChatFormat::kChatMl, {}), "<|im_start|>assistant\n");
  EXPECT_EQ(render_chat(ChatFormat::kChatMl, {}, false), "");
}

TEST(ChatFormat, UnknownTemplatesAreNone) {
  for (const char* jinja : {"", "{", "{{", "{{ '", "{{ \"\\", "{%", "plain text", "{{ message.content }}",
                            "[gMASK]<sop><|user|>\n<|assistant|>", "{{ '<|im_start|>user<|im_sep|>' }}",
                            "{{ '<|user|>\\n' + message['content'] + '\\n' }}{{ '<|assistant|>' }}"}) {
    EXPECT_EQ(detect_chat_format(jinja), ChatFormat::kNone) << jinja;
  }
}

TEST(ChatFormat, HasNames) {
  EXPECT_STREQ(to_string(ChatFormat::kNone), "none");
  EXPECT_STREQ(to_string(ChatFormat::kChatMl), "chatml");
  EXPECT_STREQ(to_string(ChatFormat::kLlama3), "llama3");
}

}  // namespace
}  // namespace pith
