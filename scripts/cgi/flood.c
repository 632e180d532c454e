// Writes much: /flood?bytes=N, 1 MB unless told; with &length=1 it says so in advance. Lines of 16 bytes,
// each the offset of its first byte in hexadecimal, so that a client can verify every one: line k is
// printf("%015llx\n", 16 * k). With &split=MS it writes the first line of its head, waits so long, and
// writes all the rest at once.
#include "cgi.h"

int main(void) {
  const long long bytes = query_number("bytes", 1000000);
  const long split = query_number("split", 0);
  static char rest[1 << 20];
  if (split != 0) setvbuf(stdout, rest, _IOFBF, sizeof rest);
  printf("Content-Type: text/plain\n");
  if (split != 0) {
    fflush(stdout);
    sleep_milliseconds(split);
  }
  if (query_number("length", 0) != 0) printf("Content-Length: %lld\n", bytes);
  printf("\n");
  for (long long offset = 0; offset < bytes; offset += 16) {
    char line[24];
    const long long left = bytes - offset;
    snprintf(line, sizeof line, "%015llx\n", (unsigned long long)offset);
    if (fwrite(line, 1, left < 16 ? (size_t)left : 16, stdout) == 0) return 1;
  }
  return fflush(stdout) == 0 ? 0 : 1;
}
