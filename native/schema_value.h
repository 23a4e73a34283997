// A value in the form that libnftnl takes: aligned integers, strings with their zero.
#pragma once

#include "attribute_schema.h"

namespace nftlink {

class SchemaValue {
 public:
  SchemaValue(AttributeRule rule, Bytes value);
  const void* data() const { return data_; }
  uint32_t length() const { return length_; }

 private:
  alignas(8) char copy_[kMaxText + 1];
  const void* data_;
  uint32_t length_;
};

}  // namespace nftlink
