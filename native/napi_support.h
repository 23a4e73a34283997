// Raw Node-API behind few functions. Every status is checked: in an environment that is being torn down any call may
// fail, and then nothing else must happen. (node-addon-api throws there, which ends the process.)
#pragma once

#include <node_api.h>

#include <string>

#include "byte_buffer.h"

namespace nftlink {

/** An Error with a `code`; nullptr when it cannot be made. */
napi_value makeError(napi_env env, const char* code, const std::string& text);
/** An Error for errno with the properties `errno` and `step`. */
napi_value makeStepError(napi_env env, const std::string& text, int error, const char* step);

/** Throw and give nullptr, for `return throwError(…)`. */
napi_value throwError(napi_env env, const char* code, const std::string& text);
napi_value throwTypeError(napi_env env, const std::string& text);

/** The bytes of a Uint8Array, in place; false when it is none. */
bool readBytes(napi_env env, napi_value value, Bytes& bytes);
bool readString(napi_env env, napi_value value, std::string& text);
bool readUint(napi_env env, napi_value value, uint32_t max, uint32_t& number);
/** Leaves the number as it is for undefined. */
bool readOptionalUint(napi_env env, napi_value value, uint32_t max, uint32_t& number);

/** A Uint8Array; large buffers are handed over, small ones copied. nullptr when it cannot be made. */
napi_value makeBytes(napi_env env, ByteBuffer&& buffer);

}  // namespace nftlink
