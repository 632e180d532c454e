// Leaves a trace of every execution: appends "METHOD ID PID" to the file HYDRAPOOL_RECORD_FILE before
// anything else, in one write, then reads the body, waits and answers with the id: /record?id=ID&ms=MS.
// The number of an id's lines says how often its request was executed.
#include <fcntl.h>

#include "cgi.h"

int main(void) {
  char id[200], line[300], buffer[16384];
  const char* path = getenv("HYDRAPOOL_RECORD_FILE");
  const char* method = getenv("REQUEST_METHOD");
  long long left = body_length(), bytes = 0;
  snprintf(id, sizeof id, "%s", query("id"));
  const int length =
      snprintf(line, sizeof line, "%.16s %s %d\n", method != NULL ? method : "-", id, getpid());
  const int file = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
  if (file < 0 || write(file, line, (size_t)length) != length) {
    printf("Status: 500\nContent-Type: text/plain\n\nHYDRAPOOL_RECORD_FILE names no file to append to\n");
    return 1;
  }
  if (method != NULL && strcmp(method, "POST") == 0) {
    for (size_t n; (n = read_body(buffer, sizeof buffer, &left)) > 0;) bytes += (long long)n;
  }
  sleep_milliseconds(query_number("ms", 0));
  printf("Content-Type: text/plain\nX-Body-Bytes: %lld\n\n%s\n", bytes, id);
  return 0;
}
