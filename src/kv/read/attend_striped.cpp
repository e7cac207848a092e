#include "kv/read/attend.h"
#include "kv/share/pages.h"
#include "kv/share/topic.h"

// Attention of a pass whose caches several ranks hold.

namespace pith::kv {

std::size_t Attention::stripe_bytes() const {
  std::size_t floats = 0;
  for (std::size_t s = 0; s < steps_; ++s) {
    const StepReading& reading = readings_[s];
    for (const AttendBlock& block : reading.blocks()) {
      const std::size_t rows = block.tokens * reading.layer().shape().group();
      floats += StripeSet{}.count(reading.of(block).chunks()) * rows * (reading.layer().shape().value_size + 2);
    }
  }
  return floats * sizeof(float);
}

std::size_t Attention::page_bytes() const {
  std::size_t bytes = 0;
  for (std::size_t s = 0; s < steps_; ++s) bytes += bytes_of_pages(readings_[s].layer());
  return bytes;
}

void Attention::run_striped(ThreadPool& pool, const AttendRows& rows, std::size_t layer, Ranks& ranks) {
  const StripeSet own = {ranks.rank(), ranks.count()};
  list_chunks(own);
  attend_chunks(pool, rows);
  const std::size_t size = readings_.front().layer().shape().value_size;
  stripe_states_.begin(ranks, size);
  for (std::size_t s = 0; s < steps_; ++s) {
    for (const AttendBlock& block : readings_[s].blocks())
      stripe_states_.add(block.tokens * readings_[s].layer().shape().group(), readings_[s].of(block).chunks());
  }
  const AttendWorker& worker = workers_.front();
  for (std::size_t number = 0; number < tasks_.size();) {
    const std::size_t s = tasks_[number].step;
    const std::size_t b = tasks_[number].block;
    const SoftmaxRows first = chunk_state(number);
    const MergeTree tree(*readings_[s].layer().config().kernels, worker.stripe(first.rows, size),
                         worker.total(first.rows, size));
    for_stripes(
        own, readings_[s].of(readings_[s].blocks()[b]).chunks(),
        [&](std::size_t) { tree.add_chunk(chunk_state(number++)); },
        [&](std::size_t stripe) {
          stripe_states_.put(first_block_[s] + b, stripe, tree.stripe());
          tree.end_stripe();
        });
  }
  const Step& step = readings_.front().step();
  stripe_states_.exchange(ranks, topic(Topic::kStates, layer, step.position));
  const auto finish = [&](std::size_t task, std::size_t w) {
    const std::size_t s = tasks_[task].step;
    const AttendBlock& block = readings_[s].blocks()[tasks_[task].block];
    const std::size_t count = block.tokens * readings_[s].layer().shape().group();
    const SoftmaxRows total = workers_[w].total(count, size);
    stripe_states_.merge_block(*readings_[s].layer().config().kernels, first_block_[s] + block.number,
                               workers_[w].chunk(count, size), total);
    finish_block(s, block, rows, observed_of(s, block), total);
  };
  list_whole();
  pool.run(tasks_.size(), finish, steps_ > 1);
  for (std::size_t s = 0; s < steps_; ++s) readings_[s].share_observation(ranks, layer);
}

}  // namespace pith::kv
