#pragma once

#include <pith/pith.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "soak/choices.h"
#include "soak/counters.h"
#include "soak/dice.h"
#include "soak/script.h"

namespace pith::soak {

/// One thread's sessions and the random actions on them. Throws Broken, or whatever the library throws unexpectedly.
/// Used by one thread; the models are shared.
class Worker {
 public:
  /// All arguments must outlive the object. Files are written to `folder`, with names that begin with `name`.
  Worker(const std::vector<Subject>& subjects, Counters& counters, const std::filesystem::path& folder,
         const std::string& name, std::uint64_t seed);

  /// Performs one action and checks everything that must hold afterwards.
  void step();
  /// Describes the last action and its session.
  const std::string& doing() const { return doing_; }

 private:
  /// A session and its expected history.
  struct Live {
    const Subject* subject;
    Session session;
    Script script;
  };
  using Action = void (Worker::*)(Live& live);

  void open();
  void close(std::size_t index);

  void feed(Live& live);
  void draw(Live& live);
  void generate(Live& live);
  void cancel(Live& live);
  void fork(Live& live);
  void truncate(Live& live);
  void compact(Live& live);
  void reset(Live& live);
  void compare_with_fresh(Live& live);
  void save_and_restore(Live& live);
  void damage_snapshot(Live& live);
  void ask_for_the_impossible(Live& live);

  /// Returns how many tokens still fit; for a stream, how many this run allows.
  int room(const Live& live) const;
  /// Checks what holds for every session at any time.
  void check(const Live& live);
  void require_same(const Session& a, const Session& b, const char* what);
  /// Checks that both sessions draw the same tokens for a while.
  void require_same_future(Live& a, Live& b, const char* what);
  std::vector<std::byte> any_key();

  const std::vector<Subject>& subjects_;
  Counters& counters_;
  std::filesystem::path snapshot_;
  Dice dice_;
  std::vector<std::unique_ptr<Live>> live_;
  std::string doing_;
};

}  // namespace pith::soak
