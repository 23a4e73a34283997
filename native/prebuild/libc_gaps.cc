// What Debian's static libnftnl expects of its libc and the libc of a prebuilt addon's target does not have.
#include <cstdarg>
#include <cstdio>

extern "C" {

// On x64 libnftnl reaches stderr as a variable of the same file: scripts/prebuild.sh makes it look for this one.
FILE* nftlink_stderr = nullptr;
__attribute__((constructor)) static void setStderr() { nftlink_stderr = stderr; }

#ifndef __GLIBC__
// Fortified calls are glibc's. What they check is left out: libnftnl's texts are for debugging, and nothing here asks for any.
int __fprintf_chk(FILE* stream, int, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = std::vfprintf(stream, format, arguments);
  va_end(arguments);
  return written;
}

int __snprintf_chk(char* buffer, std::size_t room, int, std::size_t, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = std::vsnprintf(buffer, room, format, arguments);
  va_end(arguments);
  return written;
}
#endif

}  // extern "C"
