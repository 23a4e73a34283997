// Waiting for another thread without going to sleep, for a little while: to wake a thread on an idle CPU takes 20 to 40 µs in a
// virtual machine, ten times as long as the kernel takes for a small transaction (docs/decisions/0011-looking-out.md).
#pragma once

#include <chrono>
#include <thread>

namespace nftlink {

using Clock = std::chrono::steady_clock;

/** No event loop is held up for longer, and no CPU kept busy in vain. */
constexpr std::chrono::microseconds kLookout{60};

/** With one CPU the other thread gets nowhere while this one looks. */
inline bool mayLookOut() noexcept {
  static const bool several = std::thread::hardware_concurrency() > 1;
  return several;
}

inline void relaxCpu() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/** Looks until `there` is true or the time is over; what it was last. */
template <typename Condition>
bool lookOut(const Condition& there) noexcept {
  const Clock::time_point end = Clock::now() + kLookout;
  while (!there()) {
    if (Clock::now() >= end) return there();
    relaxCpu();
  }
  return true;
}

}  // namespace nftlink
