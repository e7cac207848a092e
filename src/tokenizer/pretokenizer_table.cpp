#include "tokenizer/pretokenizer_table.h"

#include <array>

namespace pith::tokenizer {
namespace {

// The patterns are those of the models' own tokenizer.json, with its steps "Digits" and "Punctuation" rewritten as
// patterns. Non-ASCII characters are escaped.

// GPT-2, and the models that took over its ByteLevel step.
#define PITH_GPT2 R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"
#define PITH_CONTRACTION R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
// What follows words and numbers in Llama 3 and related models.
#define PITH_REST R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
#define PITH_REST_SLASH R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
// Words that begin in upper case or end in lower case: GPT-4o splits camelCase this way.
#define PITH_CASED_A R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
#define PITH_CASED_B R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"

// One to three digits first, then three by three: 1234567 is 1, 234, 567. Published as a lookahead from every place,
// which takes quadratic time; it is only needed where a number begins, as \G goes on from the group before.
#define PITH_DIGIT_GROUPS(BEFORE, DIGIT, AFTER) \
  "(?<!" BEFORE ")" DIGIT "{1,3}(?=(?:" DIGIT "{3})*+(?!" AFTER "))|\\G(?<=" DIGIT ")" DIGIT "{3}"

using Text = std::string_view;

constexpr std::array<Text, 1> kGpt2 = {PITH_GPT2};

constexpr std::array<Text, 2> kDigitsGpt2 = {R"(\p{N})", PITH_GPT2};

constexpr std::array<Text, 1> kLlama3 = {PITH_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})" PITH_REST};

#define PITH_QWEN2 PITH_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})" PITH_REST
constexpr std::array<Text, 1> kQwen2 = {PITH_QWEN2};

constexpr std::array<Text, 1> kQwen35 = {
    PITH_CONTRACTION
    R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};

constexpr std::array<Text, 1> kTekken = {PITH_CASED_A "|" PITH_CASED_B R"(|\p{N})" PITH_REST_SLASH};

#define PITH_GPT4O PITH_CASED_A PITH_CONTRACTION "?|" PITH_CASED_B PITH_CONTRACTION R"(?|\p{N}{1,3})" PITH_REST_SLASH
constexpr std::array<Text, 1> kGpt4o = {PITH_GPT4O};

constexpr std::array<Text, 6> kDeepSeekLlm = {
    R"([\r\n])",
    // Cased letters in the Unicode version that the model's authors used.
    R"(\s?[)"
    R"(A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF})"
    R"(\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1})"
    R"(\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5})"
    R"(\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A})"
    R"(\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B})"
    R"(\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC})"
    R"(\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107})"
    R"(\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139})"
    R"(\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4})"
    R"(\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787})"
    R"(\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A})"
    R"(\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2})"
    R"(\x{118A0}-\x{118DF}\x{1E900}-\x{1E943})"
    R"(]+)",
    R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)",
    // Published as \s+$, which takes quadratic time to find that spaces do not end the word.
    R"((?<!\s)\s++\z)",
    R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)",
    R"(\p{N})",
};

constexpr std::array<Text, 5> kDeepSeekCoder = {
    R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)", R"(\p{N})",
};

#define PITH_CJK R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)"
#define PITH_DEEPSEEK_WORD R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
#define PITH_DEEPSEEK PITH_DEEPSEEK_WORD R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"

constexpr std::array<Text, 3> kDeepSeekV3 = {R"(\p{N}{1,3})", PITH_CJK, PITH_DEEPSEEK};

// Newlines stand alone, as do digits.
constexpr std::array<Text, 3> kSpark = {R"(\p{N})", PITH_CJK,
                                        PITH_DEEPSEEK_WORD R"(| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+)"};

constexpr std::array<Text, 3> kAfmoe = {
    PITH_DIGIT_GROUPS(R"(\p{N})", R"(\p{N})", R"(\p{N})"),
    R"([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{8C48}-\x{FAFF}\x{3040}-\x{30FF}\x{FF65}-\x{FF9F}\x{2F00}-\x{2FDF})"
    R"(\x{E40}-\x{EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F}\x{AA60}-\x{AA7F}\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF})"
    R"(\x{1100}-\x{11FF}]+)",
    PITH_DEEPSEEK,
};

// After these, the model's own step "Digits" splits the characters that stand for bytes (B2, B3, B9, BC to BE are
// digits there). It is left out because the vocabulary has no merges across them anyway.
constexpr std::array<Text, 3> kFalcon = {R"([\p{P}$+<=>^~|`]+)", PITH_GPT2, "[0-9][0-9][0-9]"};

// The pattern of files older than tokenizer.ggml.pre, as llama.cpp reads them: close to Falcon's, and close enough for
// other models.
constexpr std::array<Text, 4> kDefault = {R"([\p{P}$+<=>^~|]+)", PITH_GPT2, R"(\p{N}+)", "[0-9][0-9][0-9]"};

#define PITH_BLOOM R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)"
constexpr std::array<Text, 1> kBloom = {PITH_BLOOM};
constexpr std::array<Text, 2> kViking = {PITH_BLOOM, R"(\p{N})"};

constexpr std::array<Text, 2> kTinyAya = {
    // A number that a letter follows is no number: \b, spelled out as Oniguruma has it.
    PITH_DIGIT_GROUPS(R"(\d)", R"(\d)", R"([\p{L}\p{M}\p{N}\p{Pc}])"),
    PITH_GPT4O,
};

// Merges go across words: only numbers are cut out.
constexpr std::array<Text, 2> kSuperBpe = {R"(\p{N}+)", PITH_DIGIT_GROUPS(R"(\p{N})", R"(\d)", R"(\p{N})")};

// Of white space, runs of 512 characters or of a lower power of two. \s*[\r\n]+ is only tried where white space begins
// or a newline was before: elsewhere the run has none, and finding that out each time would take quadratic time.
constexpr std::array<Text, 1> kJais2 = {
    PITH_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
                     R"(|(?<![\t\x0B\f\x{85}\p{Z}])\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S))"
                     R"(|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})"};

constexpr std::array<Text, 2> kMiniCpm5 = {R"(\p{N}{1,3})",
                                           PITH_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+)" PITH_REST};

constexpr std::array<Text, 2> kYoutu = {
    R"([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+)"
    R"(|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F})"
    R"(\x{FE30}-\x{FE4F}]+|[\x{3105}-\x{312F}]+|)" PITH_CJK,
    PITH_CASED_A PITH_CONTRACTION "?|" PITH_CASED_B PITH_CONTRACTION R"(?|\p{N})" PITH_REST_SLASH,
};

// Letters with single spaces between them are one word. Published with nested repetitions; this one never goes back.
constexpr std::array<Text, 1> kExaoneMoe = {PITH_CONTRACTION
                                            R"(|[^\r\n\p{L}\p{N}]?\p{L}\p{M}*+(?: ?\p{L}\p{M}*+)*+|\p{N})"
                                            R"(| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)"};

constexpr std::array<Text, 6> kChameleon = {"<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z",       R"([\t\n]|    |  )",
                                            R"(\p{N})",          R"([\p{P}!-/:-@\[-`{-~])", PITH_GPT2};

constexpr std::array<Text, 1> kBailing = {
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"};

constexpr std::array<Text, 1> kSeedCoder = {
    PITH_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)"};

// Qwen2's without English contractions: in Turkish, endings follow an apostrophe.
constexpr std::array<Text, 1> kUfakZeka = {R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N})" PITH_REST};

// GPT-4o's, but Han characters are words of their own.
#define PITH_KIMI_UPPER R"((?:(?!\p{sc:Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]))"
#define PITH_KIMI_LOWER R"((?:(?!\p{sc:Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}]))"
#define PITH_HEAD R"([^\r\n\p{L}\p{N}]?)"
constexpr std::array<Text, 1> kKimiK2 = {R"(\p{sc:Han}+|)" PITH_HEAD PITH_KIMI_UPPER "*" PITH_KIMI_LOWER
                                         "++" PITH_CONTRACTION "?|" PITH_HEAD PITH_KIMI_UPPER "++" PITH_KIMI_LOWER
                                         "*+" PITH_CONTRACTION R"(?|\p{N}{1,3})" PITH_REST};

#define PITH_LINES R"([^\n]+|\n+)"
constexpr std::array<Text, 1> kLines = {PITH_LINES};
constexpr std::array<Text, 2> kLaguna = {PITH_LINES, PITH_QWEN2};

constexpr std::array<Text, 1> kWhiteSpace = {R"(\S+)"};

constexpr bool kIgnoreMerges = true;
constexpr bool kAddBos = true;
constexpr Spelling kCharacters = Spelling::kSentencePiece;

// One row per name. The names are those that GGUF converters write; rows are sorted by pattern.
constexpr PreTokenizerRow kRows[] = {
    {"default", kDefault},
    {"gpt-2", kGpt2},
    {"gpt-neox", kGpt2},
    {"mpt", kGpt2},
    {"olmo", kGpt2},
    {"jais", kGpt2},
    {"phi-2", kGpt2},
    {"mellum", kGpt2},
    {"a.x-4.0", kGpt2},
    {"exaone4", kGpt2},
    {"gigachat", kGpt2},
    {"trillion", kGpt2},
    {"modern-bert", kGpt2},
    {"granite-docling", kGpt2},
    {"jina-es", kGpt2},
    {"jina-de", kGpt2},
    {"jina-v1-en", kGpt2},
    {"jina-v2-es", kGpt2},
    {"jina-v2-de", kGpt2},
    {"jina-v2-code", kGpt2},
    {"roberta-bpe", kGpt2},
    {"smollm", kDigitsGpt2},
    {"starcoder", kDigitsGpt2},
    {"refact", kDigitsGpt2},
    {"command-r", kDigitsGpt2},
    {"codeshell", kDigitsGpt2},
    {"exaone", kDigitsGpt2},
    {"minerva-7b", kDigitsGpt2},
    {"mellum2", kDigitsGpt2},
    {"llama-bpe", kLlama3, kIgnoreMerges, kAddBos},
    {"llama3", kLlama3, kIgnoreMerges, kAddBos},
    {"llama-v3", kLlama3, kIgnoreMerges, kAddBos},
    {"falcon3", kLlama3, kIgnoreMerges, kAddBos},
    {"falcon-h1", kLlama3, kIgnoreMerges, kAddBos},
    {"pixtral", kLlama3, kIgnoreMerges, kAddBos},
    {"midm-2.0", kLlama3, kIgnoreMerges, kAddBos},
    {"lfm2", kLlama3, kIgnoreMerges, kAddBos},
    {"jina-v5-nano", kLlama3, kIgnoreMerges, kAddBos},
    {"glm4", kLlama3, kIgnoreMerges},
    {"glm5", kLlama3, kIgnoreMerges},
    {"chatglm-bpe", kLlama3},
    {"dbrx", kLlama3},
    {"smaug-bpe", kLlama3},
    {"qwen2", kQwen2},
    {"deepseek-r1-qwen", kQwen2},
    {"megrez", kQwen2},
    {"stablelm2", kQwen2},
    {"hunyuan", kQwen2},
    {"solar-open", kQwen2},
    {"grok-2", kQwen2},
    {"kormo", kQwen2},
    {"f2llmv2", kQwen2},
    {"qwen35", kQwen35},
    {"tekken", kTekken, kIgnoreMerges, kAddBos},
    {"gpt-4o", kGpt4o},
    {"llama4", kGpt4o},
    {"kanana2", kGpt4o},
    {"talkie", kGpt4o},
    {"minimax-m2", kGpt4o},
    {"deepseek-llm", kDeepSeekLlm},
    {"deepseek-coder", kDeepSeekCoder},
    {"deepseek-v3", kDeepSeekV3},
    {"hunyuan-dense", kDeepSeekV3},
    {"joyai-llm", kDeepSeekV3},
    {"hy_v4", kDeepSeekV3},
    {"falcon", kFalcon},
    {"bloom", kBloom},
    {"gpt3-finnish", kBloom},
    {"poro-chat", kBloom},
    {"viking", kViking},
    {"spark2_5", kSpark},
    {"afmoe", kAfmoe},
    {"granite-embed-multi-97m", kGpt4o, kIgnoreMerges},
    {"tiny_aya", kTinyAya},
    {"cohere2moe", kTinyAya},
    {"superbpe", kSuperBpe},
    {"jais-2", kJais2},
    {"minicpm5", kMiniCpm5, kIgnoreMerges},
    {"youtu", kYoutu, kIgnoreMerges},
    {"exaone-moe", kExaoneMoe},
    {"chameleon", kChameleon, !kIgnoreMerges, kAddBos},
    {"bailingmoe", kBailing},
    {"bailingmoe2", kBailing},
    {"llada-moe", kBailing},
    {"seed-coder", kSeedCoder},
    {"ufakzeka", kUfakZeka},
    {"kimi-k2", kKimiK2},
    {"laguna", kLaguna},
    {.name = "gemma4", .patterns = kLines, .spelling = kCharacters, .whole_newlines = true, .always_bos = true},
    {.name = "granite-embed-multi-311m",
     .patterns = kLines,
     .spelling = kCharacters,
     .whole_newlines = true,
     .always_bos = true},
    {.name = "sarvam-moe", .patterns = kLines, .spelling = kCharacters},
    {.name = "whitespace", .patterns = kWhiteSpace, .spelling = kCharacters, .spaces = Spaces::kDropped},
};

#undef PITH_GPT2
#undef PITH_CONTRACTION
#undef PITH_REST
#undef PITH_REST_SLASH
#undef PITH_CASED_A
#undef PITH_CASED_B
#undef PITH_BLOOM
#undef PITH_DIGIT_GROUPS
#undef PITH_QWEN2
#undef PITH_GPT4O
#undef PITH_CJK
#undef PITH_DEEPSEEK_WORD
#undef PITH_DEEPSEEK
#undef PITH_KIMI_UPPER
#undef PITH_KIMI_LOWER
#undef PITH_HEAD
#undef PITH_LINES

}  // namespace

const PreTokenizerRow* find_pre_tokenizer(std::string_view name) noexcept {
  if (name.empty()) name = "default";
  for (const PreTokenizerRow& row : kRows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string pre_tokenizer_names() {
  std::string names;
  for (const PreTokenizerRow& row : kRows) {
    if (!names.empty()) names.append(", ");
    names.append(row.name);
  }
  return names;
}

}  // namespace pith::tokenizer
