// Gives the request's body back as it comes, without ever holding more of it than a buffer. With
// CONTENT_LENGTH it reads that much and promises as much; without one it reads to the end of input.
#include "cgi.h"

int main(void) {
  char buffer[16384];
  const char* type = getenv("CONTENT_TYPE");
  long long left = body_length();
  printf("Content-Type: %s\n", type != NULL ? type : "application/octet-stream");
  if (left >= 0) printf("Content-Length: %lld\n", left);
  printf("\n");
  for (size_t n; (n = read_body(buffer, sizeof buffer, &left)) > 0;) {
    if (fwrite(buffer, 1, n, stdout) != n) return 1;
  }
  return fflush(stdout) == 0 && left <= 0 ? 0 : 1;  // 1 too where the body ended early
}
