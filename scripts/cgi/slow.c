// Takes its time: /slow?before=MS&during=MS&lines=N waits `before` it says anything, then `during` each of N
// lines. Default: 100 ms before one line.
#include "cgi.h"

int main(void) {
  const long during = query_number("during", 0);
  const long lines = query_number("lines", 1);
  sleep_milliseconds(query_number("before", 100));
  printf("Content-Type: text/plain\n\n");
  for (long i = 0; i < lines; ++i) {
    fflush(stdout);
    sleep_milliseconds(during);
    printf("line %ld\n", i);
  }
  return 0;
}
