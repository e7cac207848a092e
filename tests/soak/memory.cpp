#include "soak/memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "soak/broken.h"

namespace pith::soak {
namespace {

constexpr std::size_t kWarmUp = 3;
/// Far below the memory of the sessions of one round, far above that of hash tables and names.
constexpr double kHeapGrowthMax = 4.0 * 1024 * 1024;
constexpr double kMiB = 1024.0 * 1024;

/// Least-squares slope in bytes per hour.
double slope(const std::vector<Memory>& all, std::size_t first, std::uint64_t Memory::*value) {
  const auto count = static_cast<double>(all.size() - first);
  if (count < 2) return 0;
  double t = 0;
  double y = 0;
  for (std::size_t i = first; i < all.size(); ++i) {
    t += all[i].seconds / count;
    y += static_cast<double>(all[i].*value) / count;
  }
  double above = 0;
  double below = 0;
  for (std::size_t i = first; i < all.size(); ++i) {
    above += (all[i].seconds - t) * (static_cast<double>(all[i].*value) - y);
    below += (all[i].seconds - t) * (all[i].seconds - t);
  }
  return below == 0 ? 0 : above / below * 3600;
}

}  // namespace

Memory measure_memory(double seconds) {
  Memory memory{.seconds = seconds};
  ::malloc_trim(0);
  const struct mallinfo2 info = ::mallinfo2();
  memory.heap = info.uordblks + info.hblkhd;
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages >> pages;
  memory.resident = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return memory;
}

const Memory& MemoryLog::warm() const { return all_[std::min(kWarmUp, all_.size() - 1)]; }

void MemoryLog::check() const {
  if (all_.size() <= kWarmUp) return;
  const double growth = static_cast<double>(all_.back().heap) - static_cast<double>(warm().heap);
  require(growth <= kHeapGrowthMax, "without any session the heap holds {:.2f} MiB more than after warm-up",
          growth / kMiB);
}

std::string MemoryLog::summary() const {
  if (all_.empty()) return "";
  const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / kMiB; };
  const std::size_t first = std::min(kWarmUp, all_.size() - 1);
  std::string text;
  for (const auto& [name, value] : {std::pair{"heap", &Memory::heap}, std::pair{"resident", &Memory::resident}}) {
    const double begin = mib(warm().*value);
    const double end = mib(all_.back().*value);
    text += fmt::format(
        "memory without sessions, {}: {:.2f} MiB at the start, {:.2f} after warm-up, {:.2f} at the end; drift {:+.2f} "
        "MiB ({:+.2f} %), {:+.2f} MiB per hour\n",
        name, mib(all_.front().*value), begin, end, end - begin, begin == 0 ? 0.0 : 100 * (end - begin) / begin,
        slope(all_, first, value) / kMiB);
  }
  return text;
}

}  // namespace pith::soak
