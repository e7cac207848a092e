#include "tools/tool.h"

// pith quantize: what it prints, what it refuses, and that the models that it writes run.
namespace pith::test {
namespace {

class QuantizeTool : public ToolTest {
 protected:
  void expect_failure(const Args& more, const std::string& part) const {
    Args arguments = {"quantize", model_, out_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = pith(arguments);
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_NE(outcome.err.find(part), std::string::npos) << "no '" << part << "' in: " << outcome.err;
  }

  const std::string out_ = (folder_ / "out.gguf").string();
};

TEST_F(QuantizeTool, PrintsATableAndSizes) {
  const std::string dry = pith_output({"quantize", model_, "--dry-run", "--type", "q8_0"});
  EXPECT_FALSE(std::filesystem::exists(out_));
  const std::string text = pith_output({"quantize", model_, out_, "--type", "Q8_0"});
  EXPECT_EQ(text, dry);
  EXPECT_THAT(text, testing::HasSubstr("from     to        tensors"));
  EXPECT_THAT(text, testing::ContainsRegex("F32 +Q8_0 +15 "));
  EXPECT_THAT(text, testing::HasSubstr(std::to_string(std::filesystem::file_size(out_)) + " bytes ("));
  EXPECT_THAT(text, testing::ContainsRegex("; 8\\.[5-9][0-9] bits per weight\n"));
}

TEST_F(QuantizeTool, SaysWhatFellBack) {
  const std::string text = pith_output({"quantize", model_, out_, "-t", "q4_k_m"});
  EXPECT_THAT(text,
              testing::ContainsRegex("tensors?: 64 columns are not whole blocks of Q4_K \\(256\\): Q5_0 instead"));
}

TEST_F(QuantizeTool, JsonHasEveryTensor) {
  const json report = pith_json({"quantize", model_, out_, "--tensor-type", "ffn_down=f16", "--pure", "-t", "q4_0"});
  EXPECT_EQ(report["bytes_after"], std::filesystem::file_size(out_));
  EXPECT_EQ(report["bytes_before"], std::filesystem::file_size(model_));
  std::uint64_t bytes = 0;
  for (const json& tensor : report["tensors"]) {
    bytes += tensor["bytes_after"].get<std::uint64_t>();
    const std::string name = tensor["name"];
    const bool down = name.find("ffn_down") != std::string::npos;
    const bool norm = name.find("norm") != std::string::npos;
    EXPECT_EQ(tensor["type_after"], down ? "F16" : norm ? "F32" : "Q4_0") << name;
  }
  EXPECT_NEAR(report["bits_per_weight"].get<double>() * report["weights"].get<double>(),
              8.0 * static_cast<double>(bytes), 1.0);
}

TEST_F(QuantizeTool, ModelsRun) {
  for (const char* type : {"f16", "q8_0", "q4_k_m", "iq4_nl"}) {
    pith_output({"quantize", model_, out_, "--type", type, "--force", "--threads", "2"});
    EXPECT_NE(pith_output({"run", "-m", out_, "-p", "the cat", "-n", "5", "--ignore-end"}), "\n") << type;
    EXPECT_EQ(pith({"verify", out_}).status, 0);
  }
}

TEST_F(QuantizeTool, Refuses) {
  expect_failure({"--type", "q4_k_x"}, "type q4_k_x is not one of f32, f16");
  expect_failure({"--output-type", "q4_k_m"}, "output_type");
  expect_failure({"--tensor-type", "nothing=q8_0"}, "'nothing'");
  expect_failure({"--tensor-type", "(=q8_0"}, "does not compile");
  write_text(out_, "precious");
  expect_failure({}, "exists already, and takes overwrite (--force)");
  expect_failure({"--type", "q4_k_x", "--force"}, "q4_k_x");
  EXPECT_EQ(read_file(out_), "precious");
  pith_output({"quantize", model_, out_, "-t", "q4_0", "--force"});
  const Outcome again = pith({"quantize", out_, (folder_ / "again.gguf").string(), "-t", "q4_1"});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, testing::HasSubstr("--allow-requantize"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "again.gguf"));
}

TEST_F(QuantizeTool, WrongCommandLines) {
  for (const Args& line :
       {Args{"quantize"}, Args{"quantize", model_}, Args{"quantize", model_, out_, "--tensor-type", "x"},
        Args{"quantize", model_, out_, "--tensor-type", "=q8_0"}, Args{"quantize", model_, out_, "--tensor-type", "x="},
        Args{"quantize", model_, out_, "--threads", "-1"}, Args{"quantize", model_, out_, "more"}}) {
    const Outcome outcome = pith(line);
    EXPECT_EQ(outcome.status, 2) << testing::PrintToString(line);
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(QuantizeTool, AnInterruptLeavesNothing) {
  // Enough weights for some time: rows of zeros, which a sparse file does not store.
  GgufWriter writer;
  writer.add("general.architecture", "llama");
  writer.add_tensor("a.weight", gguf::TensorType::kF16, {4096, 16384}, Bytes(std::size_t{2} * 4096 * 16384));
  const auto large = folder_ / "large.gguf";
  writer.write(large);
  Process process(pith_command({"quantize", large.string(), out_, "-t", "q2_k", "--pure", "--threads", "1"}), {});
  std::size_t files = 0;
  // Until the temporary file is there.
  for (int i = 0; i < 3000 && files < 3; ++i) {
    files = static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_.path()), std::filesystem::directory_iterator()));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  process.kill(SIGINT);
  EXPECT_EQ(process.wait(), 1) << process.errors();
  EXPECT_THAT(process.errors(), testing::HasSubstr("interrupted"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), std::filesystem::directory_iterator()),
            2);
}

TEST_F(QuantizeTool, ARealModelStaysSensible) {
  const auto real = find_model("smollm2");
  if (!real) GTEST_SKIP() << "no model";
  const Args ask = {"-p", "The capital of France is", "-n", "4"};
  const std::uint64_t before = pith({"--version"}).peak_bytes;
  for (const char* type : {"q8_0", "q5_1"}) {
    const Outcome outcome = pith({"quantize", real->string(), out_, "--type", type, "--force", "--allow-requantize"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    // Files are read and written piece by piece. What this process takes counts as the child's, too. AddressSanitizer
    // keeps what was freed for a while.
    if (PITH_SANITIZED == 0) {
      EXPECT_LT(outcome.peak_bytes, before + (std::uint64_t{64} << 20)) << type;
    }
    Args run = {"run", "-m", out_};
    run.insert(run.end(), ask.begin(), ask.end());
    EXPECT_THAT(pith_output(run), testing::HasSubstr("Paris")) << type;
  }
}

}  // namespace
}  // namespace pith::test
