// Expressions of rules through libnftnl.
#pragma once

#include <cstdio>  // libnftnl/expr.h uses FILE without it

#include <libnftnl/expr.h>

#include <memory>

#include "attribute_schema.h"

namespace nftlink {

struct ExpressionDeleter {
  void operator()(nftnl_expr* expression) const { nftnl_expr_free(expression); }
};
using ExpressionPointer = std::unique_ptr<nftnl_expr, ExpressionDeleter>;

/** Builds the expression of a packed expression field. */
Problem buildExpression(Bytes field, ExpressionPointer& result);

/** A value in the form that libnftnl takes: aligned integers, strings with their zero. */
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
