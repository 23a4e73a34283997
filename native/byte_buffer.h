// A growing buffer that never zero-fills: a vector would write every byte of a batch twice.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

#include "bytes.h"

namespace nftlink {

struct FreeDeleter {
  void operator()(void* memory) const { std::free(memory); }
};

class ByteBuffer {
 public:
  uint8_t* data() { return data_.get(); }
  const uint8_t* data() const { return data_.get(); }
  size_t size() const { return size_; }
  uint8_t* end() { return data_.get() + size_; }
  Bytes view() const { return {data_.get(), size_}; }

  /** Makes room for `extra` more bytes; pointers into the buffer are void afterwards. Throws std::bad_alloc. */
  void reserve(size_t extra) {
    if (capacity_ - size_ < extra) grow(extra);
  }

  /** Counts bytes that were written at `end()` into room made by `reserve`. */
  void advance(size_t bytes) { size_ += bytes; }
  void truncate(size_t size) { size_ = size; }

  void append(const void* bytes, size_t length) {
    if (length == 0) return;
    reserve(length);
    std::memcpy(end(), bytes, length);
    size_ += length;
  }

  template <typename T>
  void appendValue(T value) {
    append(&value, sizeof value);
  }

  /** Empties the buffer and gives its memory back if that is more than `keep` bytes. */
  void clear(size_t keep) {
    size_ = 0;
    if (capacity_ <= keep) return;
    data_.reset();
    capacity_ = 0;
  }

  /** Hands the memory over; std::free takes it back. */
  uint8_t* release() {
    size_ = capacity_ = 0;
    return data_.release();
  }

 private:
  void grow(size_t extra) {
    if (extra > SIZE_MAX / 4 - size_) throw std::bad_alloc();
    const size_t capacity = std::max({size_ + extra, capacity_ * 2, size_t{4096}});
    void* memory = std::realloc(data_.get(), capacity);
    if (memory == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(static_cast<uint8_t*>(memory));
    capacity_ = capacity;
  }

  std::unique_ptr<uint8_t, FreeDeleter> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace nftlink
