#include "kv/read/attend.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kv/read/chunk_view.h"
#include "kv/share/pages.h"

namespace pith::kv {
namespace {

/// With fewer blocks per thread than this, blocks are split into their chunks, unless the chunks' states and what is
/// observed take too much memory.
constexpr std::size_t kBlocksPerThread = 8;
constexpr std::size_t kSplitBytesMax = std::size_t{64} << 20;
/// Softmax is computed in base 2: 2^(kBase2 * x) = e^x.
constexpr float kBase2 = std::numbers::log2e_v<float>;

std::size_t rows_of(const StepReading& reading, const AttendBlock& block) {
  return block.tokens * reading.layer().shape().group();
}

/// Copies a block's queries, scaled for a softmax in base 2.
void copy_scaled(const StepReading& reading, const AttendBlock& block, const AttendRows& rows, float* out) {
  const LayerShape& shape = reading.layer().shape();
  const float scale = rows.scale * kBase2;
  for (std::size_t t = block.token; t < block.token + block.tokens; ++t) {
    const float* queries = rows.queries + (reading.step().row + t) * rows.query_stride;
    for (std::size_t g = 0; g < shape.group(); ++g, out += shape.key_size) {
      std::copy_n(queries + (block.kv_head * shape.group() + g) * shape.key_size, shape.key_size, out);
      reading.layer().config().kernels->scale(out, scale, shape.key_size);
    }
  }
}

/// Adds the sinks, if there are any, to the state of a block over all chunks.
void add_sinks(const Layer& layer, const AttendRows& rows, const AttendBlock& block, const SoftmaxRows& state) {
  if (rows.sink_logits == nullptr) return;
  const std::size_t group = layer.shape().group();
  for (std::size_t r = 0; r < state.rows; ++r) {
    const float sink = rows.sink_logits[block.kv_head * group + r % group] * kBase2;
    const float reference = std::max(state.references[r], sink);
    const float keep = std::exp2(state.references[r] - reference);
    layer.config().kernels->scale(state.out + r * state.size, keep, state.size);
    state.sums[r] = state.sums[r] * keep + std::exp2(sink - reference);
    state.references[r] = reference;
  }
}

/// Normalizes the state of a block over all chunks, which it overwrites, and writes the output of its rows.
void write_out(const Step& step, const Layer& layer, const AttendRows& rows, const AttendBlock& block,
               const SoftmaxRows& state) {
  const std::size_t group = layer.shape().group();
  const HadamardRotation* rotation = layer.values().rotation();
  for (std::size_t r = 0; r < state.rows; ++r) {
    float* from = state.out + r * state.size;
    layer.config().kernels->scale(from, 1.0F / state.sums[r], state.size);
    if (rotation != nullptr) rotation->invert(*layer.config().kernels, from);
    const std::size_t row = step.row + block.token + r / group;
    std::copy_n(from, state.size, rows.out + row * rows.out_stride + (block.kv_head * group + r % group) * state.size);
  }
}

}  // namespace

Attention::Attention(const ScratchLayout& layout, std::size_t tokens_max, int workers)
    : layout_(layout), queries_(layout, layout.heads * tokens_max, layout.kv_heads * blocks_max(tokens_max)) {
  for (int i = 0; i < workers; ++i) workers_.emplace_back(layout);
}

std::size_t Attention::bytes() const {
  std::size_t bytes = queries_.bytes() + chunk_states_.bytes() + observed_.capacity() * sizeof(float);
  for (const AttendWorker& worker : workers_) bytes += worker.bytes();
  return bytes;
}

std::size_t Attention::query_row(const StepReading& reading, const AttendBlock& block) const {
  const LayerShape& shape = reading.layer().shape();
  const Step& step = reading.step();
  return step.row * shape.heads + (block.kv_head * step.tokens + block.token) * shape.group();
}

BlockQueries Attention::queries_of(std::size_t step, const AttendBlock& block) const {
  const StepReading& reading = readings_[step];
  return queries_.view(query_row(reading, block), rows_of(reading, block), reading.layer().shape().key_size,
                       first_block_[step] + block.number);
}

void Attention::begin(std::span<const Step> steps, const Staging& staging, ThreadPool& pool, std::size_t layer,
                      const AttendRows& rows) {
  steps_ = steps.size();
  if (readings_.size() < steps_) readings_.resize(steps_);
  first_block_.resize(steps_);
  blocks_ = 0;
  rows_max_ = 0;
  bool choose = false;
  for (std::size_t s = 0; s < steps_; ++s) {
    readings_[s].begin(steps[s], steps[s].cache->layer(layer), staging.of(s));
    first_block_[s] = blocks_;
    blocks_ += readings_[s].blocks().size();
    for (const AttendBlock& block : readings_[s].blocks())
      rows_max_ = std::max(rows_max_, rows_of(readings_[s], block));
    choose = choose || readings_[s].chooses();
  }
  queries_.reserve_blocks(layout_, blocks_);
  list_whole();
  const auto prepare = [&](std::size_t task) {
    StepReading& reading = readings_[tasks_[task].step];
    const AttendBlock& block = reading.blocks()[tasks_[task].block];
    const std::size_t row = query_row(reading, block);
    copy_scaled(reading, block, rows, queries_.exact(row));
    queries_.seal(reading.head(block), row, rows_of(reading, block), first_block_[tasks_[task].step] + block.number);
    reading.choose(block, queries_.exact(row));
  };
  pool.run(tasks_.size(), prepare, choose || worth_threads(steps));
}

void Attention::list_whole() {
  tasks_.clear();
  for (std::size_t s = 0; s < steps_; ++s) {
    // The last blocks see the most tokens, so they are started first.
    for (std::size_t b = readings_[s].blocks().size(); b-- > 0;) tasks_.push_back({s, b});
  }
}

void Attention::list_chunks(const StripeSet& stripes) {
  tasks_.clear();
  observed_at_.clear();
  std::size_t observed = 0;
  for (std::size_t s = 0; s < steps_; ++s) {
    const StepReading& reading = readings_[s];
    for (const AttendBlock& block : reading.blocks()) {
      for_stripes(
          stripes, reading.of(block).chunks(),
          [&](std::size_t c) {
            tasks_.push_back({s, block.number, c});
          },
          [](std::size_t) {});
      observed_at_.push_back(observed);
      if (reading.observation().counts(block)) observed += reading.observation().scores_size(rows_of(reading, block));
    }
  }
  observed_.assign(observed, kUnseen);
}

template <typename StateOf>
void Attention::merge_block(std::size_t step, const AttendBlock& block, AttendWorker& worker, const AttendRows& rows,
                            float* observed, const StateOf& state_of) {
  const StepReading& reading = readings_[step];
  const LayerConfig& layer = reading.layer().config();
  const std::size_t count = rows_of(reading, block);
  const std::size_t size = layer.shape.value_size;
  const MergeTree tree(*layer.kernels, worker.stripe(count, size), worker.total(count, size));
  std::size_t n = 0;
  for_stripes(
      {}, reading.of(block).chunks(), [&](std::size_t c) { tree.add_chunk(state_of(c, n++)); },
      [&](std::size_t) { tree.end_stripe(); });
  finish_block(step, block, rows, observed, tree.total());
}

void Attention::finish_block(std::size_t step, const AttendBlock& block, const AttendRows& rows, float* observed,
                             const SoftmaxRows& total) {
  StepReading& reading = readings_[step];
  add_sinks(reading.layer(), rows, block, total);
  if (observed != nullptr) reading.observation().gather_block(reading.layer().config(), block, total, observed);
  write_out(reading.step(), reading.layer(), rows, block, total);
}

void Attention::run_whole(ThreadPool& pool, const AttendRows& rows) {
  pool.run(tasks_.size(), [&](std::size_t task, std::size_t w) {
    const StepReading& reading = readings_[tasks_[task].step];
    const AttendBlock& block = reading.blocks()[tasks_[task].block];
    AttendWorker& worker = workers_[w];
    const std::size_t count = rows_of(reading, block);
    float* observed = nullptr;
    if (reading.observation().counts(block)) {
      const std::size_t scores = reading.observation().scores_size(count);
      observed = worker.observed(scores);
      std::fill_n(observed, scores, kUnseen);
    }
    const SoftmaxRows state = worker.chunk(count, reading.layer().shape().value_size);
    const BlockQueries queries = queries_of(tasks_[task].step, block);
    merge_block(tasks_[task].step, block, worker, rows, observed, [&](std::size_t chunk, std::size_t) {
      worker.attend_chunk(reading, block, queries, chunk, state, observed, rows.softcap * kBase2);
      return state;
    });
  });
}

bool Attention::worth_splitting(const ThreadPool& pool) const {
  if (blocks_ >= kBlocksPerThread * static_cast<std::size_t>(pool.size())) return false;
  std::size_t floats = 0;
  for (std::size_t s = 0; s < steps_; ++s) {
    const StepReading& reading = readings_[s];
    for (const AttendBlock& block : reading.blocks()) {
      floats += reading.of(block).chunks() * rows_max_ * (layout_.value_size + 2);
      if (reading.observation().counts(block)) floats += reading.observation().scores_size(rows_of(reading, block));
    }
  }
  return floats * sizeof(float) <= kSplitBytesMax;
}

SoftmaxRows Attention::chunk_state(std::size_t number) const {
  const StepReading& reading = readings_[tasks_[number].step];
  return chunk_states_.rows(number, rows_of(reading, reading.blocks()[tasks_[number].block]),
                            reading.layer().shape().value_size);
}

float* Attention::observed_of(std::size_t step, const AttendBlock& block) {
  if (!readings_[step].observation().counts(block)) return nullptr;
  return &observed_[observed_at_[first_block_[step] + block.number]];
}

void Attention::attend_chunks(ThreadPool& pool, const AttendRows& rows) {
  chunk_states_.reserve(tasks_.size(), rows_max_, readings_.front().layer().shape().value_size);
  pool.run(tasks_.size(), [&](std::size_t number, std::size_t w) {
    const Task& task = tasks_[number];
    const StepReading& reading = readings_[task.step];
    const AttendBlock& block = reading.blocks()[task.block];
    workers_[w].attend_chunk(reading, block, queries_of(task.step, block), task.chunk, chunk_state(number),
                             observed_of(task.step, block), rows.softcap * kBase2);
  });
}

void Attention::run_split(ThreadPool& pool, const AttendRows& rows) {
  list_chunks({});
  attend_chunks(pool, rows);
  // The tasks of a block follow each other; each block is merged by the first of them.
  pool.run(
      tasks_.size(),
      [&](std::size_t number, std::size_t w) {
        const Task& first = tasks_[number];
        if (number > 0 && tasks_[number - 1].step == first.step && tasks_[number - 1].block == first.block) return;
        const AttendBlock& block = readings_[first.step].blocks()[first.block];
        merge_block(first.step, block, workers_[w], rows, observed_of(first.step, block),
                    [&](std::size_t, std::size_t n) { return chunk_state(number + n); });
      },
      steps_ > 1);
}

void Attention::attend(ThreadPool& pool, const AttendRows& rows) {
  if (worth_splitting(pool)) {
    run_split(pool, rows);
  } else {
    run_whole(pool, rows);
  }
}

void Attention::run(std::span<const Step> steps, const Staging& staging, ThreadPool& pool, std::size_t layer,
                    const AttendRows& rows) {
  begin(steps, staging, pool, layer, rows);
  Ranks* ranks = steps.front().cache->options().ranks.get();
  if (ranks == nullptr) {
    attend(pool, rows);
  } else if (!rows.divided && stripe_bytes() < page_bytes()) {
    run_striped(pool, rows, layer, *ranks);
  } else {
    const FetchedPages pages(steps, layer, *ranks);
    attend(pool, rows);
  }
  for (std::size_t s = 0; s < steps_; ++s) readings_[s].finish(rows.again);
}

}  // namespace pith::kv
