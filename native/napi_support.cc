#include "napi_support.h"

#include <cerrno>

namespace nftlink {

namespace {

/** Below this a copy is cheaper than an ArrayBuffer with memory and finalizer of its own. */
constexpr size_t kCopyBytes = 64 << 10;

void freeMemory(napi_env, void* memory, void*) { std::free(memory); }

napi_value makeText(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  return napi_create_string_utf8(env, text.data(), text.size(), &value) == napi_ok ? value : nullptr;
}

napi_value copyToArrayBuffer(napi_env env, Bytes bytes) {
  void* memory = nullptr;
  napi_value value = nullptr;
  if (napi_create_arraybuffer(env, bytes.size(), &memory, &value) != napi_ok) return nullptr;
  if (!bytes.empty()) std::memcpy(memory, bytes.data(), bytes.size());
  return value;
}

napi_value toArrayBuffer(napi_env env, ByteBuffer& buffer) {
  if (buffer.size() < kCopyBytes) return copyToArrayBuffer(env, buffer.view());
  napi_value value = nullptr;
  const napi_status status =
      napi_create_external_arraybuffer(env, buffer.data(), buffer.size(), freeMemory, nullptr, &value);
  // Runtimes with a memory cage refuse foreign memory.
  if (status == napi_no_external_buffers_allowed) return copyToArrayBuffer(env, buffer.view());
  if (status != napi_ok) return nullptr;
  static_cast<void>(buffer.release());
  return value;
}

}  // namespace

napi_value makeError(napi_env env, const char* code, const std::string& text) {
  napi_value codeValue = makeText(env, code);
  napi_value message = makeText(env, text);
  napi_value error = nullptr;
  if (codeValue == nullptr || message == nullptr) return nullptr;
  return napi_create_error(env, codeValue, message, &error) == napi_ok ? error : nullptr;
}

napi_value makeStepError(napi_env env, const std::string& text, int error, const char* step) {
  napi_value message = makeText(env, text);
  napi_value stepValue = makeText(env, step);
  napi_value number = nullptr;
  napi_value result = nullptr;
  if (message == nullptr || stepValue == nullptr) return nullptr;
  if (napi_create_int32(env, error, &number) != napi_ok) return nullptr;
  if (napi_create_error(env, nullptr, message, &result) != napi_ok) return nullptr;
  if (napi_set_named_property(env, result, "errno", number) != napi_ok) return nullptr;
  return napi_set_named_property(env, result, "step", stepValue) == napi_ok ? result : nullptr;
}

napi_value throwError(napi_env env, const char* code, const std::string& text) {
  static_cast<void>(napi_throw_error(env, code, text.c_str()));
  return nullptr;
}

napi_value throwTypeError(napi_env env, const std::string& text) {
  static_cast<void>(napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text.c_str()));
  return nullptr;
}

bool readBytes(napi_env env, napi_value value, Bytes& bytes) {
  napi_typedarray_type type{};
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return false;
  if (type != napi_uint8_array) return false;
  // An empty array may have no memory at all.
  bytes = data == nullptr ? Bytes{} : Bytes{static_cast<const uint8_t*>(data), length};
  return true;
}

bool readString(napi_env env, napi_value value, std::string& text) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  text.resize(length + 1);
  if (napi_get_value_string_utf8(env, value, text.data(), text.size(), &length) != napi_ok) return false;
  text.resize(length);
  return true;
}

bool readUint(napi_env env, napi_value value, uint32_t max, uint32_t& number) {
  double given = 0;
  if (napi_get_value_double(env, value, &given) != napi_ok) return false;
  if (!(given >= 0 && given <= max)) return false;
  number = static_cast<uint32_t>(given);
  return number == given;
}

bool readOptionalUint(napi_env env, napi_value value, uint32_t max, uint32_t& number) {
  napi_valuetype type{};
  if (napi_typeof(env, value, &type) != napi_ok) return false;
  return type == napi_undefined || readUint(env, value, max, number);
}

napi_value makeBytes(napi_env env, ByteBuffer&& buffer) {
  const size_t length = buffer.size();
  napi_value arrayBuffer = toArrayBuffer(env, buffer);
  napi_value value = nullptr;
  if (arrayBuffer == nullptr) return nullptr;
  const napi_status status = napi_create_typedarray(env, napi_uint8_array, length, arrayBuffer, 0, &value);
  return status == napi_ok ? value : nullptr;
}

}  // namespace nftlink
