// Views of bytes that somebody else owns, and loads from any address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace nftlink {

using Bytes = std::span<const uint8_t>;

/** A reason why something is malformed, as static text; nullptr: it is not. */
using Problem = const char*;

constexpr uint32_t kNone = 0xffffffff;

template <typename T>
T load(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

constexpr size_t align4(size_t length) { return (length + 3) & ~size_t{3}; }

}  // namespace nftlink
